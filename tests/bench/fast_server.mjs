// A token endpoint that is never the reason for waiting: raw sockets, one answer a request.
//
//     node tests/bench/fast_server.mjs [MILLISECONDS]
//
// Prints its port. It issues a token for whatever is asked, listed back, and refuses scopes that
// begin with `denied` or `scopeprobe-canary`. `GET /asked` tells when each path was asked, in
// milliseconds, and forgets it.

import { createServer } from "node:net";

const delay = Number(process.argv[2] ?? 0);
const token = "t".repeat(400);
const asked = new Map();

function respond(status, body) {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function answer(path, form) {
  if (path === "/asked") {
    const told = JSON.stringify(Object.fromEntries(asked));
    asked.clear();
    return respond("200 OK", told);
  }
  const times = asked.get(path);
  if (times) times.push(performance.now());
  else asked.set(path, [performance.now()]);
  const scope = /(?:^|&)scope=([^&]*)/.exec(form)?.[1].replaceAll("+", " ") ?? "";
  if (/(?:^| )(?:denied|scopeprobe-canary)/.test(scope)) {
    return respond("400 Bad Request", `{"error":"invalid_scope","error_description":"not allowed"}`);
  }
  return respond("200 OK", `{"access_token":"${token}","token_type":"Bearer","expires_in":3600,"scope":"${scope}"}`);
}

const server = createServer({ noDelay: true }, (socket) => {
  let received = "";
  socket.setEncoding("latin1");
  socket.on("error", () => socket.destroy());
  socket.on("data", (text) => {
    received += text;
    for (;;) {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = received.slice(0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const form = received.slice(end + 4, end + 4 + length);
      received = received.slice(end + 4 + length);
      const told = answer(head.split(" ", 2)[1], form);
      if (delay) setTimeout(() => socket.write(told, "latin1"), delay);
      else socket.write(told, "latin1");
    }
  });
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => console.log(server.address().port));
