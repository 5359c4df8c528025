// The oauth2-mock-server that the tests audit: node oauth2_mock_server.mjs MODE FLEET.json [PORT]
//
// It knows no clients and no scopes: mode and fleet are not read. Prints one line when it listens: {"port": 12345}

import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("ES256");
await server.start(Number(process.argv[4] ?? 0), "127.0.0.1");
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
console.log(JSON.stringify({ port: server.address().port }));
