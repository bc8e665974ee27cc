// An OpenID provider on a free port of loopback, under the name that it is given: prints the port, then does what each line says, a JSON object of one key,
// and answers each with a line.
//   {"serve": {"client": {…}, "userinfo": true}}   begins, with its one client; claims come from userinfo alone where it says so
//   {"gone": "SUB"}                               who is there no more
//   {"rotate": true}                              signs with another key from now on, and publishes that one alone
//   {"asked": true}                               how often its keys were asked for
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

let asked = 0;
let handle = (_, response) => response.writeHead(503).end();
const host = process.argv[2];
const server = createServer((request, response) => {
  if (request.url === '/jwks') asked++;
  handle(request, response);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Whoever logs in as NAME or NAME+GROUP is NAME@corp.example, in the group developers or in that one.
const gone = new Set();
const account = (_, sub) => {
  if (gone.has(sub)) return undefined;
  const [name, group = 'developers'] = sub.split('+');
  return {
    accountId: sub,
    claims: () => ({
      sub, name, email: `${name}@corp.example`, email_verified: name !== 'unverified', groups: [group], access: { 'demarc/gateway': { roles: [group] } },
    }),
  };
};

const newKey = () => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' });

const known = (client) => Object.fromEntries(Object.entries(client).filter(([, value]) => value !== null));

let setup;
const serve = () => {
  const { client, userinfo = false } = setup;
  const provider = new Provider(`http://${host}:${server.address().port}`, {
    clients: [known({ client_id: 'demarc', client_secret: 'a secret of the test', grant_types: ['authorization_code', 'refresh_token'], ...client })],
    claims: { openid: ['sub', 'groups', 'access'], email: ['email', 'email_verified'], profile: userinfo ? ['name', 'groups', 'access'] : ['name'], ...(userinfo && { openid: ['sub'] }) },
    conformIdTokenClaims: userinfo,
    cookies: { keys: ['cookies of the test'] },
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256'] },
    findAccount: account,
    issueRefreshToken: () => true,
    jwks: { keys: [newKey()] },
    pkce: { required: () => true },
  });
  handle = provider.callback();
};

const commands = {
  serve: (value) => { setup = value; serve(); return 'serving'; },
  gone: (sub) => gone.add(sub).size,
  rotate: () => { serve(); return 'rotated'; },
  asked: () => asked,
};
createInterface({ input: process.stdin }).on('line', (line) => {
  const [[name, value]] = Object.entries(JSON.parse(line));
  console.log(`> ${commands[name](value)}`);
});
