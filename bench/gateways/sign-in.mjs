// Signs a developer in to a gateway as Claude Code and a browser do: node sign-in.mjs GATEWAY_URL. Prints the access token.
const base = process.argv[2].replace(/\/$/, '');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const post = async (path, form) => (await fetch(base + path, { method: 'POST', body: new URLSearchParams(form) })).json();

// A browser as far as sign-in needs one: cookies by origin, redirects followed.
const cookies = {};
async function browse(url, form) {
  for (let at = new URL(url); ;) {
    const jar = cookies[at.origin] ??= {};
    const answer = await fetch(at, {
      method: form ? 'POST' : 'GET', redirect: 'manual', body: form && new URLSearchParams(form),
      headers: { cookie: Object.entries(jar).map(([name, value]) => `${name}=${value}`).join('; '), ...(form && { origin: at.origin, 'sec-fetch-site': 'same-origin' }) },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split(/=(.*)/);
      if (value) jar[name] = value;
      else delete jar[name];
    }
    const next = answer.headers.get('location');
    const text = await answer.text();
    if (!next) return { url: at, status: answer.status, text };
    [at, form] = [new URL(next, at), undefined];
  }
}

const grant = await post('/oauth/device_authorization', { surface: 'claude_code' });
let page = await browse(grant.verification_uri_complete);
// Each page's form is sent as it stands, with a name for who asks for one.
for (let pages = 0; /<form/.test(page.text) && pages < 10; pages++) {
  const form = {};
  for (const [input] of page.text.matchAll(/<(?:input|button)[^>]*>/g)) {
    const name = input.match(/name="([^"]*)"/)?.[1];
    if (name && !(name in form)) form[name] = name === 'login' ? 'developer' : name === 'password' ? 'any' : (input.match(/value="([^"]*)"/)?.[1] ?? '');
  }
  page = await browse(new URL(page.text.match(/<form[^>]*action="([^"]+)"/)?.[1] ?? page.url, page.url), form);
}
for (; ;) {
  const token = await post('/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: grant.device_code });
  if (token.access_token) {
    console.log(token.access_token);
    break;
  }
  if (!/pending|slow/.test(token.error)) throw new Error(`${JSON.stringify(token)} after ${page.url}: ${page.status} ${page.text.slice(0, 300)}`);
  // As often as the protocol allows.
  await pause(grant.interval * 1000);
}
