// The @jmondi/oauth2-server that the tests audit:
// node jmondi_oauth2_server.mjs stock|strict|narrowing FLEET.json [PORT]
//
// Prints one line when it listens: {"port": 12345}

import { randomBytes } from "node:crypto";

import {
  AuthorizationServer,
  DateInterval,
  OAuthRequest,
  guardAgainstInvalidClientScopes,
} from "@jmondi/oauth2-server";
import { handleVanillaError } from "@jmondi/oauth2-server/vanilla";

import { fleet, form, mode, serve } from "./serving.mjs";

const named = (names) => names.map((name) => ({ name }));

const FINALIZATIONS = {
  stock: (scopes) => scopes,
  strict: (scopes, _, client) => {
    guardAgainstInvalidClientScopes(client, scopes);
    return scopes;
  },
  narrowing: (scopes, _, client) => scopes.filter(({ name }) => client.scopes.some((one) => one.name === name)),
};

const clients = new Map(
  fleet.clients.map((client) => [
    client.client_id,
    {
      id: client.client_id,
      name: client.client_id,
      secret: client.client_secret,
      redirectUris: [],
      allowedGrants: client.grant_types,
      scopes: named(client.scope.split(" ").filter(Boolean)),
    },
  ]),
);

const server = new AuthorizationServer(
  {
    getByIdentifier: async (id) => clients.get(id),
    isClientValid: async (grant, client, secret) =>
      client !== undefined && client.secret === secret && client.allowedGrants.includes(grant),
  },
  {
    issueToken: async (client, scopes, user) => ({
      accessToken: randomBytes(20).toString("hex"),
      accessTokenExpiresAt: new DateInterval("1h").getEndDate(),
      client,
      user,
      scopes,
    }),
    persist: async () => {},
  },
  {
    getAllByIdentifiers: async (names) => named(names.filter((name) => fleet.scopes.includes(name))),
    finalize: async (...given) => FINALIZATIONS[mode](...given),
  },
  "the key of its JWTs, of a test",
);
server.enableGrantTypes(["client_credentials", new DateInterval("1h")]);

serve(async (request, response) => {
  const asked = new OAuthRequest({ query: {}, body: await form(request), headers: request.headers });
  const answer = await server.respondToAccessTokenRequest(asked).catch(handleVanillaError);
  response.writeHead(answer.status, { ...answer.headers, "content-type": "application/json" });
  response.end(JSON.stringify(answer.body));
});
