// An OpenID provider on a free port of loopback: prints the port, then waits for the redirect URI of its one client. Each
// line after that is who is there no more.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

let handle = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Whoever logs in as NAME or NAME+GROUP is NAME@corp.example, in the group developers or in that one.
const gone = new Set();
const account = (_, sub) => {
  if (gone.has(sub)) return undefined;
  const [name, group = 'developers'] = sub.split('+');
  return {
    accountId: sub,
    claims: () => ({ sub, name, email: `${name}@corp.example`, email_verified: name !== 'unverified', groups: [group] }),
  };
};

const lines = createInterface({ input: process.stdin });
lines.once('line', (redirectUri) => {
  lines.on('line', (sub) => console.log(`${gone.add(sub).size} gone`));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'demarc', client_secret: 'a secret of the test', redirect_uris: [redirectUri], grant_types: ['authorization_code', 'refresh_token'] }],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: account,
    issueRefreshToken: () => true,
    pkce: { required: () => true },
  });
  handle = provider.callback();
  console.log('ready');
});
