// An OpenID provider for a test: oidc-provider with accounts that the test sets and
// changes while it runs. Everybody's password will do.
//
//   node provider.mjs MODULE SETTINGS
//
// MODULE is where oidc-provider is, SETTINGS is JSON: port, clients, lifetime of
// access tokens in seconds. The accounts are set with PUT /control/accounts, and
// what was asked for is counted at GET /control/counts.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [module, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { default: Provider } = await import(pathToFileURL(module));
const { privateKey } = await crypto.subtle.generateKey(
  { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify'],
);
const key = { ...await crypto.subtle.exportKey('jwk', privateKey), kid: crypto.randomUUID(), use: 'sig', alg: 'RS256' };
for (const name of ['key_ops', 'ext']) delete key[name];

const accounts = {};
const counts = {};
const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  jwks: { keys: [key] },
  cookies: { keys: [crypto.randomUUID()] },
  clients: settings.clients,
  scopes: ['openid', 'offline_access'],
  claims: {
    openid: ['sub', 'sid'],
    profile: ['preferred_username', 'name'],
    email: ['email', 'email_verified'],
    roles: ['realm_access'],
  },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: {
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    devInteractions: { enabled: true },
    revocation: { enabled: true },
  },
  ttl: { AccessToken: settings.lifetime, IdToken: 3600, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
  // It would not talk to this machine otherwise.
  fetch: (address, { dispatcher, ...options }) => fetch(address, options),
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: () => true,
  findAccount: async (ctx, sub) => accounts[sub] && { accountId: sub, claims: async () => ({ sub, ...accounts[sub] }) },
});
for (const event of ['grant.success', 'grant.error', 'backchannel.success', 'backchannel.error', 'server_error']) {
  provider.on(event, (ctx, error) => {
    const kind = `${event} ${ctx?.oidc?.params?.grant_type ?? ''}`.trim();
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (error instanceof Error) console.error(event, error.message, error.error_detail ?? '');
  });
}

const serve = provider.callback();
createServer(async (request, response) => {
  if (request.url === '/control/accounts' && request.method === 'PUT') {
    let body = '';
    for await (const piece of request) body += piece;
    for (const name of Object.keys(accounts)) delete accounts[name];
    Object.assign(accounts, JSON.parse(body));
    response.end();
  } else if (request.url === '/control/counts') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(counts));
  } else {
    serve(request, response);
  }
}).listen(settings.port, '127.0.0.1', () => console.log('listening'));
