// An OpenID provider for the benchmark's gateways, on a free port of loopback: node identity.mjs REDIRECT_URI…
// Prints `listening ISSUER`. Whoever logs in as NAME is NAME@corp.example.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer((request, response) => provider.callback()(request, response)).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'gateway', client_secret: 'of the benchmark', redirect_uris: process.argv.slice(2), grant_types: ['authorization_code', 'refresh_token'] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['of the benchmark'] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: sub, email: `${sub}@corp.example`, email_verified: true, groups: ['developers'] }) }),
  pkce: { required: () => false },
});
console.log(`listening ${issuer}`);
