// The @node-oauth/oauth2-server that the tests audit:
// node node_oauth2_server.mjs stock|strict|narrowing FLEET.json [PORT]
//
// Prints one line when it listens: {"port": 12345}

import OAuth2Server from "@node-oauth/oauth2-server";

import { fleet, form, mode, serve } from "./serving.mjs";

const allows = (client, scope) => client.scopes.includes(scope);

const VALIDATIONS = {
  stock: {}, // without this hook every scope is valid
  strict: {
    validateScope: (_, client, scopes = []) => scopes.every((scope) => allows(client, scope)) && scopes,
  },
  narrowing: {
    validateScope: (_, client, scopes = []) => scopes.filter((scope) => allows(client, scope)),
  },
};

const clients = new Map(
  fleet.clients.map((client) => [
    client.client_id,
    {
      id: client.client_id,
      secret: client.client_secret,
      grants: client.grant_types,
      scopes: client.scope.split(" "),
    },
  ]),
);

const server = new OAuth2Server({
  model: {
    getClient(id, secret) {
      const client = clients.get(id);
      return client?.secret === secret ? client : null;
    },
    getUserFromClient: (client) => ({ id: client.id }),
    saveToken: (token, client, user) => ({ ...token, client, user }),
    ...VALIDATIONS[mode],
  },
});

serve(async (request, response) => {
  const asked = new OAuth2Server.Request({
    method: request.method,
    headers: request.headers,
    query: {},
    body: await form(request),
  });
  const answer = new OAuth2Server.Response();
  await server.token(asked, answer).catch(() => {}); // the answer says what went wrong
  response.writeHead(answer.status, { ...answer.headers, "content-type": "application/json" });
  response.end(JSON.stringify(answer.body));
});
