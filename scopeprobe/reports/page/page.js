// The grid of a report page: every client and scope, filtered, sorted, read out and copied.
//
// It draws what is in sight only: a pool of rows and cells, which move and change their text as the
// grid is scrolled. All text comes from servers, so it is set as text, never as markup.
"use strict";

/**
 * @typedef {[number, number, number, number | null, string, string, string]} Answer
 *   verdict, reason and evidence by their indexes, HTTP status, error, description, limits
 * @typedef {[number | null, string, string, number, number]} Interval
 *   verdict by its index (or that of the cell), first and last day, nights, nights that did not prove it
 * @typedef {{audience: string, scopes: number | number[], answers: (number | Answer)[],
 *   pasts: null | number | (number | Interval[])[]}} Target
 * @typedef {{name: string, id: string, server: string, owner: string, tags: string[],
 *   targets: Target[]}} Client
 * @typedef {{severity: string, kind: number, clients: string[], server: string, audience: string,
 *   scope: string, verdict: number | null, detail: string, since: string, next_step: string}} Finding
 * @typedef {{run: string, explain: string, history: string, columns: string[], verdicts: string[], reasons: string[],
 *   evidence: string[], kinds: string[], scopes: string[], sets: number[][],
 *   answers: Answer[], pasts: Interval[][], clients: Client[], findings: Finding[]}} Data
 * @typedef {{client: Client, target: Target, scopes: number[], at: Map<number, number>,
 *   found: Map<number, Finding>, findings: Finding[], granted: number, order: number}} Row
 *   a client and audience; `at` tells the position of a scope, `found` the worst finding there
 * @typedef {{element: HTMLElement, text: Text, column: number, key: string}} Slot
 * @typedef {{element: HTMLElement, name: HTMLElement, slots: Slot[], key: string}} Line
 */

(() => {
  const SIGNS = ["✓", "·", "~", "!", "?"];
  const [ROW, COLUMN, CHARACTER] = [26, 26, 7.3]; // pixels, as page.css has them
  const [LONGEST_HEAD, MOST_NAMED, MOST_TOLD, SPARE] = [30, 500, 20, 4];

  // -- small pieces

  /** @param {string} id */
  const need = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  /** @param {string} id */
  const field = (id) => /** @type {HTMLInputElement | HTMLSelectElement} */ (need(id));
  /** Write out what would not be seen, or would turn other text round. @param {string} text */
  const visible = (text) =>
    text.replace(
      // eslint-disable-next-line no-control-regex
      /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu,
      (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );

  /** Cut a name in its middle: ends are what tells names apart. @param {string} text @param {number} most */
  const fitted = (text, most) => {
    const shown = visible(text);
    if (shown.length <= most) return shown;
    const head = Math.ceil((most - 1) / 2);
    return `${shown.slice(0, head)}…${shown.slice(shown.length - (most - 1 - head))}`;
  };

  /**
   * @param {string} tag
   * @param {Record<string, string>} attributes
   * @param {(string | Node)[]} children
   */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.map((one) => (typeof one === "string" ? visible(one) : one)));
    return element;
  };

  /** @param {string[]} texts */
  const longest = (texts) => texts.reduce((most, text) => Math.max(most, text.length), 6);
  /** @param {number} number @param {string} noun */
  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  // -- what there is

  const data = /** @type {Data} */ (JSON.parse(need("data").textContent ?? ""));
  const GRANTED = data.verdicts.indexOf("granted");
  const scopeIndexes = new Map(data.scopes.map((scope, index) => [scope, index]));
  /** Positions of scopes, by the set that they are in. @type {Map<unknown, Map<number, number>>} */
  const positions = new Map();
  /** @type {Row[]} */
  const rows = data.clients.flatMap((client) =>
    client.targets.map((target) => {
      const scopes = typeof target.scopes === "number" ? (data.sets[target.scopes] ?? []) : target.scopes;
      const at = positions.get(target.scopes) ?? new Map(scopes.map((scope, position) => [scope, position]));
      positions.set(target.scopes, at);
      return { client, target, scopes, at, found: new Map(), findings: [], granted: 0, order: Infinity };
    }),
  );
  /** @param {Row} row @param {number} position @returns {Answer} */
  const answerOf = (row, position) => {
    const answer = row.target.answers[position];
    return /** @type {Answer} */ (typeof answer === "number" ? data.answers[answer] : answer);
  };
  /** @param {Row} row @param {number} position */
  const scopeAt = (row, position) => row.scopes[position] ?? -1;
  /** @param {number} scope */
  const scopeName = (scope) => data.scopes[scope] ?? "";
  /** @param {Row} row */
  const rowName = (row) => [row.client.name, row.target.audience].filter(Boolean).join(" ");
  /** @param {Row} row @param {number} position @returns {Interval[]} */
  const pastOf = (row, position) => {
    const past = Array.isArray(row.target.pasts) ? row.target.pasts[position] : row.target.pasts;
    return (typeof past === "number" ? data.pasts[past] : past) ?? [];
  };

  const rowsOfClient = /** @type {Map<string, Row[]>} */ (new Map());
  for (const row of rows) {
    row.granted = row.scopes.filter((_, position) => answerOf(row, position)[0] === GRANTED).length;
    rowsOfClient.set(row.client.name, [...(rowsOfClient.get(row.client.name) ?? []), row]);
  }
  // The worst findings come first, and the first one of a cell is the one that it is shown by.
  for (const [order, finding] of data.findings.entries()) {
    for (const row of finding.clients.flatMap((name) => rowsOfClient.get(name) ?? [])) {
      const isOfTarget = (finding.scope || finding.audience) && data.kinds[finding.kind] !== "unauthenticated";
      if (isOfTarget && finding.audience !== row.target.audience) continue;
      row.findings.push(finding);
      row.order = Math.min(row.order, order);
      for (const position of positionsFound(row, finding)) {
        if (!row.found.has(position)) row.found.set(position, finding);
      }
    }
  }

  /** The cells of a row that a finding is about. @param {Row} row @param {Finding} finding */
  function positionsFound(row, finding) {
    const lone = row.at.get(scopeIndexes.get(finding.scope) ?? -1);
    if (finding.scope) return lone === undefined ? [] : [lone];
    return [...row.scopes.keys()].filter((position) => answerOf(row, position)[0] === finding.verdict);
  }

  // -- what is chosen of it
  /** @type {{rows: Row[], columns: number[], shows: (row: Row, position: number) => boolean}} */
  let view = { rows: [], columns: [], shows: () => true };
  let version = 0;

  /**
   * Match a glob where a text has a star, the name itself where there is one, else what holds it.
   * @param {string} text @param {Iterable<string>} all @returns {(name: string) => boolean}
   */
  const matcher = (text, all) => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return () => true;
    if (wanted.includes("*")) {
      const glob = new RegExp(`^${wanted.replace(/[\\^$.|?+()[\]{}]/g, "\\$&").replaceAll("*", ".*")}$`, "s");
      return (name) => glob.test(name.toLowerCase());
    }
    if ([...all].some((name) => name.toLowerCase() === wanted)) return (name) => name.toLowerCase() === wanted;
    return (name) => name.toLowerCase().includes(wanted);
  };

  /** Which cells hold the searched text: in a name, in what the server said, or in a finding. */
  const searcher = () => {
    const text = field("search").value.trim().toLowerCase();
    if (!text) return null;
    /** @param {string[]} texts */
    const holds = (...texts) => texts.some((one) => one.toLowerCase().includes(text));
    const scopes = data.scopes.map((scope) => holds(scope));
    const answers = data.answers.map((one) => holds(...wordsOf(one)));
    const clients = new Map(rows.map((row) => [row, holds(rowName(row), row.client.id, row.client.owner, ...row.client.tags)]));
    const findings = new Map(data.findings.map((one) => [one, holds(one.detail)]));
    /** @param {Row} row @param {number} position */
    return (row, position) => {
      const answer = row.target.answers[position];
      const found = row.found.get(position);
      const said = typeof answer === "number" ? answers[answer] : answer && holds(...wordsOf(answer));
      return Boolean(clients.get(row) || scopes[scopeAt(row, position)] || said || (found && findings.get(found)));
    };
  };
  /** @param {Answer} answer */
  const wordsOf = (answer) => [data.reasons[answer[1]] ?? "", ...answer.slice(4).map(String)];
  /** @type {Record<string, (a: Row, b: Row) => number>} */
  const ORDERS = {
    worst: (a, b) => (a.order === b.order ? 0 : a.order - b.order),
    client: () => 0,
    server: (a, b) => a.client.server.localeCompare(b.client.server),
    owner: (a, b) => a.client.owner.localeCompare(b.client.owner),
    granted: (a, b) => b.granted - a.granted,
  };

  function choose() {
    const named = matcher(field("client").value, rowsOfClient.keys());
    const inScopes = data.scopes.map(matcher(field("scope").value, data.scopes));
    const [server, owner, tag, verdict, kind] = ["server", "owner", "tag", "verdict", "kind"].map((id) => field(id).value);
    const found = searcher();
    /** @param {Row} row @param {number} position */
    const shows = (row, position) => {
      if (!inScopes[scopeAt(row, position)]) return false;
      if (verdict && data.verdicts[answerOf(row, position)[0]] !== verdict) return false;
      if (kind) {
        const finding = row.found.get(position);
        if (!finding || (kind !== "any" && data.kinds[finding.kind] !== kind)) return false;
      }
      return !found || found(row, position);
    };
    let cells = 0;
    const weights = /** @type {Map<number, number>} */ (new Map());
    const [byGrants, byFindings] = ["granted", "worst"].map((order) => field("sort-scopes").value === order);
    const chosen = rows.filter((row) => {
      if (!named(row.client.name) || (server && row.client.server !== server)) return false;
      if ((owner && row.client.owner !== owner) || (tag && !row.client.tags.includes(tag))) return false;
      const before = cells;
      for (let position = 0; position < row.scopes.length; position += 1) {
        if (!shows(row, position)) continue;
        cells += 1;
        const scope = scopeAt(row, position);
        const weighs = (byGrants && answerOf(row, position)[0] === GRANTED) || (byFindings && row.found.has(position));
        weights.set(scope, (weights.get(scope) ?? 0) + (weighs ? 1 : 0));
      }
      return cells > before;
    });
    const columns = [...weights.keys()].sort(
      (a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0) || (scopeName(a) < scopeName(b) ? -1 : 1),
    );
    view = { rows: chosen.sort(ORDERS[field("sort").value]), columns, shows };
    need("count").textContent =
      `${counted(chosen.length, "row")} of ${rows.length.toLocaleString("en")}, ` +
      `${counted(columns.length, "scope")} of ${data.scopes.length.toLocaleString("en")}, ${counted(cells, "cell")}`;
    active = { row: Math.min(active.row, chosen.length - 1), column: Math.min(active.column, columns.length - 1) };
    version += 1;
    layOut();
  }

  // -- the grid

  const grid = need("grid");
  const head = make("div", { role: "row", "aria-rowindex": "1", class: "head" });
  const corner = make("div", { role: "columnheader", class: "name corner", "aria-colindex": "1" }, "client");
  const body = make("div", { role: "rowgroup", class: "body" });
  head.append(corner);
  grid.append(make("div", { role: "rowgroup", class: "heads" }, head), body);
  let lines = /** @type {Line[]} */ ([]);
  let heads = /** @type {Slot[]} */ ([]);
  /** The cell that the keyboard is at; -1 is the row or the column of names. */
  let active = { row: 0, column: 0 };
  let [names, headHeight] = [200, 100];

  /** @param {HTMLElement} parent @param {string} role @returns {Slot} */
  const slotIn = (parent, role) => {
    const text = document.createTextNode("");
    const element = make("div", { role, class: "cell", tabindex: "-1" });
    element.append(role === "columnheader" ? make("span", {}, text) : text);
    parent.append(element);
    return { element, text, column: -1, key: "" };
  };

  /** Make the pool as large as what is in sight, and the rest as large as all of it. */
  function layOut() {
    const width = grid.clientWidth;
    const longestName = longest(view.rows.map(rowName)) * CHARACTER + 18;
    names = Math.round(Math.min(longestName, 320, Math.max(width * 0.4, 110)));
    headHeight = Math.round(Math.min(LONGEST_HEAD, longest(view.columns.map(scopeName))) * CHARACTER + 14);
    grid.style.setProperty("--names", `${names}px`);
    grid.style.setProperty("--head", `${headHeight}px`);
    grid.style.setProperty("--width", `${names + view.columns.length * COLUMN}px`);
    grid.style.setProperty("--height", `${view.rows.length * ROW}px`);
    grid.setAttribute("aria-rowcount", String(view.rows.length + 1));
    grid.setAttribute("aria-colcount", String(view.columns.length + 1));
    const across = Math.min(view.columns.length, Math.ceil(width / COLUMN) + SPARE);
    const down = Math.min(view.rows.length, Math.ceil(grid.clientHeight / ROW) + SPARE);
    if (lines.length !== down || heads.length !== across) {
      head.replaceChildren(corner);
      heads = Array.from({ length: across }, () => slotIn(head, "columnheader"));
      lines = Array.from({ length: down }, () => {
        const element = make("div", { role: "row", class: "row" });
        const name = make("div", { role: "rowheader", class: "name", "aria-colindex": "1", tabindex: "-1" });
        element.append(name);
        return { element, name, slots: Array.from({ length: across }, () => slotIn(element, "gridcell")), key: "" };
      });
      body.replaceChildren(...lines.map((line) => line.element));
    }
    draw();
  }

  /** The first index in a pool of `size`. @param {number} at @param {number} size @param {number} all */
  const firstOf = (at, size, all) => Math.max(0, Math.min(Math.floor(at) - SPARE / 2, all - size));
  /** What stays in sight stays at its place. @param {number} first @param {number} size @param {number} place */
  const indexAt = (first, size, place) => first + ((((place - first) % size) + size) % size);

  function draw() {
    const hadFocus = grid.contains(document.activeElement);
    const top = firstOf(grid.scrollTop / ROW, lines.length, view.rows.length);
    const left = firstOf(grid.scrollLeft / COLUMN, heads.length, view.columns.length);
    heads.forEach((slot, place) => drawHead(slot, indexAt(left, heads.length, place)));
    lines.forEach((line, place) => drawLine(line, indexAt(top, lines.length, place), left));
    const element = elementAt(active.row, active.column);
    for (const old of grid.querySelectorAll("[tabindex='0']")) if (old !== element) old.setAttribute("tabindex", "-1");
    element?.setAttribute("tabindex", "0");
    grid.setAttribute("tabindex", element ? "-1" : "0");
    if (hadFocus) (element ?? grid).focus({ preventScroll: true });
  }

  /** @param {Slot} slot @param {number} column @param {string} key what it shows from now on */
  const move = (slot, column, key) => {
    const isThere = slot.column === column && slot.key.startsWith(`${version} `);
    slot.key = key;
    if (isThere) return;
    slot.column = column;
    slot.element.style.transform = `translateX(${names + column * COLUMN}px)`;
    slot.element.setAttribute("aria-colindex", String(column + 2));
  };

  /** @param {Slot} slot @param {number} column */
  const drawHead = (slot, column) => {
    if (slot.key === `${version} ${column}`) return;
    move(slot, column, `${version} ${column}`);
    const scope = scopeName(view.columns[column] ?? -1);
    slot.text.data = fitted(scope, LONGEST_HEAD);
    slot.element.setAttribute("aria-label", visible(scope));
  };

  /** @param {Line} line @param {number} index @param {number} left */
  const drawLine = (line, index, left) => {
    const row = view.rows[index];
    if (!row) return;
    if (line.key !== `${version} ${index}`) {
      line.key = `${version} ${index}`;
      line.element.style.transform = `translateY(${index * ROW}px)`;
      line.element.setAttribute("aria-rowindex", String(index + 2));
      line.name.textContent = fitted(rowName(row), Math.floor((names - 14) / CHARACTER));
      line.name.setAttribute("aria-label", visible(rowName(row)));
      line.name.classList.toggle("error", row.findings[0]?.severity === "error");
    }
    line.slots.forEach((slot, place) => {
      const column = indexAt(left, heads.length, place);
      const key = `${version} ${index} ${column}`;
      if (slot.key === key) return;
      move(slot, column, key);
      drawCell(slot, row, row.at.get(view.columns[column] ?? -1));
    });
  };

  /** @param {Slot} slot @param {Row} row @param {number | undefined} position */
  const drawCell = (slot, row, position) => {
    let [sign, classes, label] = ["", "cell", "no candidate"];
    if (position !== undefined && !view.shows(row, position)) label = "filtered out";
    else if (position !== undefined) {
      const verdict = answerOf(row, position)[0];
      const finding = row.found.get(position);
      sign = SIGNS[verdict] ?? "";
      classes = `cell ${data.verdicts[verdict]} ${finding?.severity ?? ""} ${finding?.scope ? "alone" : ""}`;
      label = `${data.verdicts[verdict]}${finding ? `, ${data.kinds[finding.kind]}` : ""}`;
    }
    slot.text.data = sign;
    slot.element.className = classes;
    slot.element.setAttribute("aria-label", label);
  };

  /** The element of a cell, if it is in the pool. @param {number} row @param {number} column */
  const elementAt = (row, column) =>
    /** @type {HTMLElement | null} */ (grid.querySelector(`[aria-rowindex="${row + 2}"] > [aria-colindex="${column + 2}"]`));
  /** Where an element stands in the grid. @param {EventTarget | null} target */
  const placeOf = (target) => {
    const element = target instanceof Element ? target.closest("[aria-colindex]") : null;
    return element && { row: Number(element.parentElement?.ariaRowIndex) - 2, column: Number(element.ariaColIndex) - 2 };
  };

  /** Make a cell the active one, and bring it into sight. @param {number} row @param {number} column */
  function goTo(row, column) {
    active = {
      row: Math.max(-1, Math.min(row, view.rows.length - 1)),
      column: Math.max(-1, Math.min(column, view.columns.length - 1)),
    };
    const [top, left] = [active.row * ROW, active.column * COLUMN];
    const [high, wide] = [grid.clientHeight - headHeight - ROW, grid.clientWidth - names - COLUMN];
    if (active.row >= 0) grid.scrollTop = Math.min(top, Math.max(grid.scrollTop, top - high));
    if (active.column >= 0) grid.scrollLeft = Math.min(left, Math.max(grid.scrollLeft, left - wide));
    draw();
    (elementAt(active.row, active.column) ?? grid).focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const { row, column } = active;
    const page = Math.max(1, Math.floor((grid.clientHeight - headHeight) / ROW) - 1);
    const all = event.ctrlKey || event.metaKey;
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowUp: () => goTo(row - 1, column),
      ArrowDown: () => goTo(row + 1, column),
      ArrowLeft: () => goTo(row, column - 1),
      ArrowRight: () => goTo(row, column + 1),
      Home: () => goTo(all ? 0 : row, all ? 0 : -1),
      End: () => goTo(all ? view.rows.length - 1 : row, view.columns.length - 1),
      PageUp: () => goTo(Math.max(row - page, 0), column),
      PageDown: () => goTo(row + page, column),
      Enter: () => show(true),
      " ": () => show(true),
    };
    if (!moves[event.key] || event.altKey) return;
    event.preventDefault();
    moves[event.key]?.();
  };

  // -- what is told of one cell, client or scope

  const detail = need("detail");
  /** @param {string} title @param {(string | Node)[]} parts */
  const tell = (title, ...parts) => {
    const close = make("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", hide);
    detail.replaceChildren(make("h3", { id: "detail-title", tabindex: "-1" }, title), close, ...parts);
    detail.hidden = false;
    layOut();
  };

  function hide() {
    detail.hidden = true;
    layOut();
    (elementAt(active.row, active.column) ?? grid).focus({ preventScroll: true });
  }

  /** A command to be pasted, with a button that copies it. @param {string} text */
  const command = (text) => {
    const button = make("button", { type: "button" }, "Copy");
    button.addEventListener("click", () => copy(text, button));
    return make("p", { class: "next" }, make("code", {}, text), " ", button);
  };
  /** @param {[string, string | number | null][]} facts */
  const listed = (facts) =>
    make("dl", {}, ...facts.filter(([, value]) => value !== "" && value !== null)
      .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));

  /** @param {Finding[]} findings */
  const told = (findings) => {
    const lis = findings.map((one) => {
      const text = ` ${one.scope} ${one.detail}${one.since ? `, since ${one.since}` : ""}`;
      return make("li", { class: one.severity }, make("strong", {}, data.kinds[one.kind] ?? ""), text);
    });
    return lis.length ? [make("h4", {}, "Findings"), make("ul", {}, ...lis)] : [];
  };
  /** A word for a shell. @param {string} word */
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
  /** @param {Row} row @param {number} position */
  const tellCell = (row, position) => {
    const [verdict, reason, evidence, status, error, description, limits] = answerOf(row, position);
    const scope = scopeName(scopeAt(row, position));
    const about = row.findings.filter((one) => positionsFound(row, one).includes(position));
    const past = pastOf(row, position).map(([of, since, until, nights, unproved]) => {
      const proved = `proved in ${counted(nights, "night")}${unproved ? `, not in ${unproved}` : ""}`;
      return make("li", {}, `${data.verdicts[of ?? verdict]} ${since} to ${until}, ${proved}`);
    });
    tell(
      scope,
      make("p", {}, make("strong", { class: about[0]?.severity ?? "" }, data.verdicts[verdict] ?? ""), ` for ${rowName(row)}`),
      listed([
        ["reason", data.reasons[reason] ?? ""], ["evidence", data.evidence[evidence] ?? ""],
        ["HTTP status", status], ["error", error], ["description", description], ["limited to", limits],
        ["server", row.client.server], ["client_id", row.client.id], ["owner", row.client.owner],
      ]),
      ...told(about),
      make("h4", {}, "History"),
      past.length ? make("ol", {}, ...past.reverse()) : make("p", {}, "This is the first run of its folder."),
      make("h4", {}, "To learn why"),
      command(`${data.explain} ${quoted(row.client.name)} ${quoted(scope)}`),
      command(`${data.history} ${quoted(row.client.name)} ${quoted(scope)}`),
    );
  };

  /** @param {Row} row */
  const tellClient = (row) => {
    /** @param {number} verdict */
    const scopes = (verdict) => row.scopes.filter((_, at) => answerOf(row, at)[0] === verdict).map(scopeName);
    tell(
      rowName(row),
      listed([["server", row.client.server], ["client_id", row.client.id], ["owner", row.client.owner],
        ["tags", row.client.tags.join(", ")]]),
      ...told(row.findings),
      ...data.verdicts.flatMap((verdict, index) => namesUnder(verdict, scopes(index))),
      make("h4", {}, "To learn why"),
      command(`${data.explain} ${quoted(row.client.name)}`),
    );
  };

  /** Who has a scope, and who has not. @param {number[]} scopes */
  const tellScopes = (scopes) => {
    const parts = scopes.slice(0, MOST_TOLD).flatMap((scope) => [
      ...(scopes.length > 1 ? [make("h4", {}, scopeName(scope))] : []),
      ...data.verdicts.flatMap((verdict, index) =>
        namesUnder(verdict, view.rows.filter((row) => verdictAt(row, scope) === index).map(rowName).sort()),
      ),
    ]);
    tell(`Who has ${scopes.length === 1 ? scopeName(scopes[0] ?? -1) : counted(scopes.length, "scope")}`, ...parts);
  };
  /** @param {Row} row @param {number} scope */
  const verdictAt = (row, scope) => row.at.has(scope) ? answerOf(row, row.at.get(scope) ?? 0)[0] : undefined;
  /** @param {string} verdict @param {string[]} all */
  const namesUnder = (verdict, all) => {
    const more = all.length > MOST_NAMED ? ` and ${all.length - MOST_NAMED} more` : "";
    const listing = make("p", { class: "names" }, all.slice(0, MOST_NAMED).join(", ") + more);
    return all.length ? [make("p", {}, make("strong", {}, `${verdict}: ${all.length.toLocaleString("en")}`)), listing] : [];
  };

  /** Tell of what is active. @param {boolean} movesThere */
  function show(movesThere) {
    const row = view.rows[active.row];
    const scope = view.columns[active.column];
    if (!row && scope !== undefined) tellScopes([scope]);
    else if (row && scope === undefined) tellClient(row);
    else if (row && scope !== undefined) {
      const position = row.at.get(scope);
      if (position !== undefined) tellCell(row, position);
      else tell(scopeName(scope), make("p", {}, `No candidate of ${rowName(row)}: it was not asked.`));
    } else return;
    if (movesThere) need("detail-title").focus();
  }

  // -- to take along

  /** One value of CSV, which no spreadsheet runs (CWE-1236). @param {string | number | null} value */
  const csv = (value) => {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const shownAsCsv = () => {
    const cells = view.rows.flatMap((row) =>
      [...row.scopes.keys()].filter((position) => view.shows(row, position)).map((position) => {
        const [verdict, reason, evidence, ...rest] = answerOf(row, position);
        const key = [row.client.name, row.client.id, row.target.audience, scopeName(scopeAt(row, position))];
        return [...key, data.verdicts[verdict] ?? "", data.reasons[reason] ?? "", data.evidence[evidence] ?? "", ...rest];
      }),
    );
    return [data.columns, ...cells].map((cell) => `${cell.map(csv).join(",")}\n`).join("");
  };

  /** Copy, also where a page that came without TLS has no clipboard. @param {string} text @param {HTMLElement} button */
  const copy = async (text, button) => {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = /** @type {HTMLTextAreaElement} */ (make("textarea", { class: "offscreen" }));
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1500);
  };

  const download = () => {
    const href = URL.createObjectURL(new Blob([shownAsCsv()], { type: "text/csv" }));
    make("a", { href, download: `${data.run}.csv` }).click();
    URL.revokeObjectURL(href);
  };
  // -- all together

  /** @param {string} id @param {Iterable<string>} values */
  const offer = (id, values) => {
    const distinct = [...new Set(values)].filter(Boolean).sort();
    field(id).append(...distinct.map((value) => make("option", { value }, value)));
    const chosen = field(id).closest("div");
    if (chosen) chosen.hidden = distinct.length === 0;
  };

  const filters = /** @type {HTMLFormElement} */ (need("filters"));
  /** A link of the page above to one client: `#client=NAME`. */
  const follow = () => {
    const name = new URLSearchParams(location.hash.slice(1)).get("client") ?? "";
    if (!rowsOfClient.has(name)) return;
    filters.reset();
    field("client").value = name;
    choose();
    need("cells").scrollIntoView();
  };

  offer("server", data.clients.map((client) => client.server));
  offer("owner", data.clients.map((client) => client.owner));
  offer("tag", data.clients.flatMap((client) => client.tags));
  offer("verdict", data.verdicts);
  offer("kind", data.findings.map((one) => data.kinds[one.kind] ?? ""));
  filters.addEventListener("input", choose);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(choose));
  need("who").addEventListener("click", () => (view.columns.length ? tellScopes(view.columns) : undefined));
  need("copy").addEventListener("click", () => copy(shownAsCsv(), need("copy")));
  need("download").addEventListener("click", download);
  for (const code of document.querySelectorAll(".findings .next code")) {
    code.parentElement?.replaceWith(command(code.textContent ?? ""));
  }
  let frame = 0;
  grid.addEventListener("scroll", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }, { passive: true });
  grid.addEventListener("keydown", onKey);
  grid.addEventListener("click", (event) => {
    const place = placeOf(event.target);
    if (place) goTo(place.row, place.column);
    if (place) show(false);
  });
  detail.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  new ResizeObserver(() => layOut()).observe(grid);
  addEventListener("hashchange", follow);
  choose();
  follow();
})();
