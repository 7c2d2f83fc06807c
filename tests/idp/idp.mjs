// An OpenID Provider (npm oidc-provider) and an API that takes its tokens, on one free port of 127.0.0.1.
//   node idp.mjs     prints one line, READY {"issuer": "http://127.0.0.1:NNNN", "keys": {…}}; SIGTERM ends it.
//                    The keys are those of the clients that sign, by algorithm: private JWKs, new each time.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { errors as joseErrors, jwtVerify } from 'jose';
import { GRANTS, registerGrants } from './grants.mjs';

// Older Node 20 has no URL.parse, which oidc-provider calls while it loads: hence also the dynamic import.
URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);
const { Provider, errors } = await import('oidc-provider');

// The issuer must be known before there is a provider, and the port before there is an issuer.
const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

// The pages ask for a password and take any: the name is all that is looked at.
const USERS = new Set(['alice', 'bob']);

// RFC 8707: what a client may ask a token for. Without `resource` a token is opaque and lives an hour.
const RESOURCES = {
  [`${issuer}/api`]: { accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } },
  [`${issuer}/api/opaque`]: { accessTokenFormat: 'opaque', accessTokenTTL: 600 },
  [`${issuer}/api/short`]: { accessTokenFormat: 'opaque', accessTokenTTL: 2 },
};

// `native` is what lets a loopback redirect come to any port (RFC 8252, 7.3).
const forMachines = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
const forPeople = {
  application_type: 'native',
  redirect_uris: ['localhost', '127.0.0.1'].flatMap((host) => [`http://${host}/`, `http://${host}/callback`]),
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
};
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const PAIRS = {
  RS256: rsa(),
  PS256: rsa(),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};
const signs = ([alg, { publicKey }]) => ({
  client_id: `cc-${alg}`,
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: alg,
  jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg, use: 'sig' }] },
  ...forMachines,
});
const CLIENTS = [
  ...Object.entries(PAIRS).map(signs),
  {
    client_id: 'cc-secret-jwt',
    client_secret: 'thirty-two bytes and a few more of them',
    token_endpoint_auth_method: 'client_secret_jwt',
    ...forMachines,
  },
  { client_id: 'exchanger', client_secret: 'exchange-secret', ...forMachines, grant_types: GRANTS },
  {
    client_id: 'cc-basic',
    client_secret: 's3cret:with/odd+chars %',
    token_endpoint_auth_method: 'client_secret_basic',
    ...forMachines,
  },
  {
    client_id: 'cc-post',
    client_secret: 'post-secret',
    token_endpoint_auth_method: 'client_secret_post',
    ...forMachines,
  },
  { client_id: 'native', token_endpoint_auth_method: 'none', ...forPeople },
  {
    client_id: 'device',
    token_endpoint_auth_method: 'none',
    ...forMachines,
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  },
  { client_id: 'web', client_secret: 'web-secret', ...forPeople },
];

const signingKey = (alg, { privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' });
const identityKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const accessKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(issuer, {
  clients: CLIENTS,
  jwks: { keys: [signingKey('RS256', identityKeys), signingKey('ES256', accessKeys)] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  scopes: ['openid', 'offline_access', 'read', 'write'],
  claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
  findAccount: (_ctx, id) => USERS.has(id) && {
    accountId: id,
    claims: () => ({ sub: id, name: id, email: `${id}@example.test` }),
  },
  pkce: { required: (_ctx, client) => client.clientAuthMethod === 'none' },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 3600,
    ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 3600,
    Grant: 86400, IdToken: 3600, Interaction: 3600, RefreshToken: 86400, Session: 86400,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    pushedAuthorizationRequests: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => {
        if (!(resource in RESOURCES)) throw new errors.InvalidTarget();
        return { scope: 'read write', ...RESOURCES[resource] };
      },
      useGrantedResource: () => true,
    },
  },
});
registerGrants(provider, errors, { key: PAIRS.ES256.publicKey, name: 'service@acme.test', users: USERS });
provider.on('server_error', (_ctx, error) => console.error(error));
// A client's faults show at its first use: let that be now.
for (const { client_id: id } of CLIENTS) await provider.Client.find(id);

// --- the API, which takes the tokens -----------------------------------------------------------
// What a live access token says, or undefined. Only opaque tokens are kept by the provider.
async function whatItSays(value) {
  const token = await provider.AccessToken.find(value) ?? await provider.ClientCredentials.find(value);
  if (token) {
    const { clientId, accountId = clientId, scope, isValid } = token;
    return isValid ? { client: clientId, sub: accountId, scope } : undefined;
  }
  try {
    const expected = { issuer, audience: `${issuer}/api`, typ: 'at+jwt' };
    const { payload } = await jwtVerify(value, accessKeys.publicKey, expected);
    return { client: payload.client_id, sub: payload.sub, scope: payload.scope };
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
}

async function me(request, response) {
  const [, value] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const said = value && await whatItSays(value);
  if (said) return answer(response, 200, said);
  // RFC 6750, 3.1: a request that brought no token is told no error code.
  const challenge = value ? 'Bearer realm="api", error="invalid_token"' : 'Bearer realm="api"';
  return answer(response, 401, { error: 'unauthorized' }, { 'www-authenticate': challenge });
}

// --- one server for both ------------------------------------------------------------------------
const counts = {};
const stats = (_request, response) => answer(response, 200, counts);
const routes = { '/api/me': me, '/stats': stats };
const openid = provider.callback();
server.on('request', (request, response) => {
  const [path] = request.url.split('?');
  if (path !== '/stats') counts[path] = (counts[path] ?? 0) + 1;
  (routes[path] ?? openid)(request, response);
});
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
const keys = Object.fromEntries(
  Object.entries(PAIRS).map(([alg, { privateKey }]) => [alg, privateKey.export({ format: 'jwk' })]),
);
console.log(`READY ${JSON.stringify({ issuer, keys })}`);
