// An OpenID provider on a free port of loopback: prints the port, then waits for the redirect URI of its one client.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

let handle = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Whoever logs in as NAME or NAME+GROUP is NAME@corp.example, in the group developers or in that one.
const account = (_, sub) => {
  const [name, group = 'developers'] = sub.split('+');
  return {
    accountId: sub,
    claims: () => ({ sub, name, email: `${name}@corp.example`, email_verified: name !== 'unverified', groups: [group] }),
  };
};

createInterface({ input: process.stdin }).once('line', (redirectUri) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'demarc', client_secret: 'a secret of the test', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: account,
    pkce: { required: () => true },
  });
  handle = provider.callback();
  console.log('ready');
});
