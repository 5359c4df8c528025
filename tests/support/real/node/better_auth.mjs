// The better-auth that the tests audit, with its OAuth provider: node better_auth.mjs MODE FLEET.json [PORT]
//
// Prints one line when it listens: {"port": 12345}

import { randomBytes } from "node:crypto";

import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";

import { fleet, serve } from "./serving.mjs";

const asTheyAre = { encrypt: (secret) => secret, decrypt: (secret) => secret };

const tables = ["user", "session", "account", "verification", "jwks"];
const oauthTables = ["oauthClient", "oauthRefreshToken", "oauthAccessToken", "oauthConsent"];

const auth = betterAuth({
  baseURL: "http://127.0.0.1",
  secret: randomBytes(32).toString("hex"),
  database: memoryAdapter(Object.fromEntries([...tables, ...oauthTables].map((name) => [name, []]))),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    oauthProvider({
      consentPage: "/consent",
      disableJwtPlugin: true,
      loginPage: "/login",
      scopes: fleet.scopes,
      storeClientSecret: asTheyAre,
    }),
  ],
});

const { adapter } = await auth.$context;
for (const client of fleet.clients) {
  await adapter.create({
    model: "oauthClient",
    data: {
      clientId: client.client_id,
      clientSecret: client.client_secret,
      clientCredentialsScopes: client.scope.split(" ").filter(Boolean),
      grantTypes: client.grant_types,
      redirectUris: [],
      tokenEndpointAuthMethod: client.token_endpoint_auth_method,
    },
  });
}

serve(toNodeHandler(auth));
