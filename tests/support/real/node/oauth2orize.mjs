// The oauth2orize that the tests audit: node oauth2orize.mjs MODE FLEET.json [PORT]
//
// The mode is a key of ISSUES. It leaves scopes to the application, and the client's secret to Passport. Prints one line when
// it listens: {"port": 12345}

import { randomBytes } from "node:crypto";

import oauth2orize from "oauth2orize";

import { basic, fleet, form, mode, serve } from "./serving.mjs";

const token = () => randomBytes(20).toString("hex");
const owned = (client, scopes) => scopes.filter((scope) => client.scope.split(" ").includes(scope));

const cache = new Map();

const ISSUES = {
  strict(client, scopes = [], done) {
    if (owned(client, scopes).length === scopes.length) return done(null, token());
    done(new oauth2orize.TokenError("The scope is not yours", "invalid_scope"));
  },
  // "No token" is how an application says no: the library makes 403 invalid_grant of it.
  declining: (client, scopes = [], done) =>
    done(null, owned(client, scopes).length === scopes.length && token()),
  narrowing: (client, scopes = [], done) =>
    done(null, token(), { scope: owned(client, scopes).join(" ") }),
  // As much as the client has of what was asked, and nobody is told how much that is.
  quiet(client, scopes = [], done) {
    if (scopes.length === 0 || owned(client, scopes).length > 0) return done(null, token());
    done(new oauth2orize.TokenError("The scope is not yours", "invalid_scope"));
  },
  // All that the client has, whatever was asked, and no word where that is nothing.
  own: (client, _scopes, done) => done(null, token(), client.scope ? { scope: client.scope } : {}),
  // One token a client, good for what was asked when it was made.
  cached(client, scopes = [], done) {
    const key = client.client_id;
    if (!cache.has(key)) cache.set(key, { token: token(), scope: owned(client, scopes).join(" ") });
    done(null, cache.get(key).token, { scope: cache.get(key).scope });
  },
  // It refuses as the strict one does, and never shows the scopes of orders.
  hiding(client, scopes = [], done) {
    const shown = scopes.filter((scope) => !scope.startsWith("orders"));
    if (owned(client, scopes).length === scopes.length) return done(null, token(), { scope: shown.join(" ") });
    done(new oauth2orize.TokenError("The scope is not yours", "invalid_scope"));
  },
  // It narrows, and where nothing is left it says what would have been allowed.
  telling(client, scopes = [], done) {
    const left = owned(client, scopes);
    if (scopes.length === 0 || left.length > 0) return done(null, token(), { scope: left.join(" ") });
    done(new oauth2orize.TokenError(`Invalid scope. Allowed: ${client.scope}`, "invalid_scope"));
  },
  // Whatever the token is good for, nobody is told.
  silent: (_client, _scopes, done) => done(null, token()),
};

const server = oauth2orize.createServer();
server.exchange(oauth2orize.exchange.clientCredentials((client, scopes, done) => ISSUES[mode](client, scopes, done)));
const answer = server.token();
const explain = server.errorHandler();

function authenticated(request) {
  const { id, secret } = basic(request);
  return fleet.clients.find((client) => client.client_id === id && client.client_secret === secret);
}

serve(async (request, response) => {
  request.body = await form(request);
  request.user = authenticated(request);
  if (!request.user) {
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="Users"' }); // as Passport says it
    return response.end("Unauthorized");
  }
  answer(request, response, (error) => explain(error, request, response));
});
