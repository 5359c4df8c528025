// The oidc-provider that the tests audit: node oidc_provider.mjs static|resource|resources FLEET.json [PORT]
//
// Prints one line when it listens: {"port": 12345}

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const SIGNING_ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];

const RESOURCE = "https://api.example.com/";

// oidc-provider takes a client without `scope` as one that may have every scope.
// A client without grants is therefore limited to this one, which is nobody's candidate.
const NO_GRANTS = "openid";

// What a client of the code grant must have besides.
const BY_CODE = { redirect_uris: ["https://client.example/back"], response_types: ["code"] };

class Storage {
  static #models = new Map();
  #stored;

  constructor(model) {
    if (!Storage.#models.has(model)) Storage.#models.set(model, new Map());
    this.#stored = Storage.#models.get(model);
  }

  async upsert(id, payload) {
    this.#stored.set(id, payload);
  }

  async find(id) {
    return this.#stored.get(id);
  }

  async destroy(id) {
    this.#stored.delete(id);
  }
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" };
}

function resourceServer(audience, scopes) {
  return { scope: scopes.join(" "), audience, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
}

function resourceIndicators(mode, fleet) {
  switch (mode) {
    case "static":
      return { enabled: false };
    case "resource":
      return {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resourceServer(RESOURCE, fleet.scopes),
      };
    case "resources":
      return {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo(_, resource, { clientId }) {
          const { resources } = fleet.clients.find((client) => client.client_id === clientId);
          return resourceServer(resource, resources[resource]);
        },
      };
    default:
      throw new Error(`mode is static, resource or resources: ${mode}`);
  }
}

const [mode, file, port = "0"] = process.argv.slice(2);
const fleet = JSON.parse(readFileSync(file, "utf8"));

// The issuer names the port, so the port comes first.
const server = createServer();
server.listen(Number(port), "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  adapter: Storage,
  clients: fleet.clients.map(({ resources, ...client }) => ({
    ...(client.grant_types?.includes("authorization_code") ? BY_CODE : {}),
    ...client,
    scope: client.scope || NO_GRANTS,
  })),
  clientDefaults: {
    grant_types: ["client_credentials"],
    id_token_signed_response_alg: "ES256",
    redirect_uris: [],
    response_types: [],
  },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  enabledJWA: { clientAuthSigningAlgValues: SIGNING_ALGORITHMS },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: resourceIndicators(mode, fleet),
    revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
  },
  jwks: { keys: [signingKey()] },
  scopes: [...fleet.scopes, NO_GRANTS],
  ttl: { ClientCredentials: 600 },
});
provider.on("server_error", (_, error) => console.error(error));

server.on("request", provider.callback());
console.log(JSON.stringify({ port: server.address().port }));
