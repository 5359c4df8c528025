// What the servers have in common that are libraries: their arguments, and HTTP around them.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const [givenMode, file, port = "0"] = process.argv.slice(2);

export const mode = givenMode;
export const fleet = JSON.parse(readFileSync(file, "utf8"));

export async function form(request) {
  return Object.fromEntries(new URLSearchParams(await text(request)));
}

export function basic(request) {
  const [scheme, pair = ""] = (request.headers.authorization ?? "").split(" ");
  const [id, ...secret] = Buffer.from(pair, "base64").toString().split(":");
  return scheme === "Basic" ? { id, secret: secret.join(":") } : {};
}

export function serve(answer) {
  const server = createServer(answer);
  server.listen(Number(port), "127.0.0.1", () => {
    console.log(JSON.stringify({ port: server.address().port }));
  });
}
