// The load of bench/soak: node soak.mjs GATEWAY_URL SIMULATOR_URL SIGN_IN_SCRIPT RATE MODELS MINUTES PROCESS
// A developer who is signed in asks RATE times a second, at random moments, whole answers and streams in turn, in a thousand sessions.
// A line a minute: minute, requests, wrong, what the simulator was asked, resident MiB; each minute ends once all is answered.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';

const [gateway, simulator, signIn, rate, models, minutes, pid] = process.argv.slice(2);
const names = models.split(','), agent = new Agent({ keepAlive: true, maxSockets: 512 });
const token = async () => (await promisify(execFile)('node', [signIn, gateway])).stdout.trim();
const resident = () => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1] / 1024;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const filler = 'x'.repeat(900);
let bearer = await token(), count = 0, wrong = 0;

function ask(number) {
  const stream = number % 2 === 0, session = Math.floor(Math.random() * 1000).toString(16).padStart(8, '0');
  const body = JSON.stringify({ model: names[number % names.length], max_tokens: 64, stream, messages: [{ role: 'user', content: `${filler}${number}` }] });
  return new Promise((resolve) => {
    const end = (why) => {
      if (why) {
        wrong++;
        console.error(`request ${number}: ${why}`);
      }
      resolve();
    };
    const call = request(`${gateway}/v1/messages`, {
      agent, method: 'POST', timeout: 30000,
      headers: {
        authorization: `Bearer ${bearer}`, 'anthropic-version': '2023-06-01', 'content-type': 'application/json', 'content-length': body.length,
        'x-claude-code-session-id': `${session}-0000-4000-8000-000000000000`,
      },
    }, (answer) => {
      let text = '';
      answer.setEncoding('latin1').on('data', (part) => (text += part)).on('error', (e) => end(e.message)).on('end', () => {
        const isWhole = answer.statusCode === 200 && text.includes(stream ? '"message_stop"' : '"stop_reason"');
        end(isWhole ? '' : `${answer.statusCode} ${text.slice(0, 200)}`);
      });
    });
    call.on('error', (e) => end(e.message)).on('timeout', () => call.destroy(new Error('no answer in 30 s'))).end(body);
  });
}

for (let minute = 1; minute <= +minutes; minute++) {
  const open = new Set(), [before, failed, until] = [count, wrong, Date.now() + 60_000];
  // One sign-in lasts an hour at most.
  if (minute % 20 === 0) bearer = await token();
  for (let next = Date.now(); next < until; next += (-Math.log(1 - Math.random()) * 1000) / rate) {
    if (next > Date.now()) await pause(next - Date.now());
    const answer = ask(count++).finally(() => open.delete(answer));
    open.add(answer);
  }
  await Promise.all(open);
  const { requests } = await (await fetch(`${simulator}/simulator/log`)).json();
  await fetch(`${simulator}/simulator/log`, { method: 'DELETE' });
  console.log(minute, count - before, wrong - failed, requests.filter((r) => r.target.endsWith('/messages')).length, Math.round(resident() * 10) / 10);
}
agent.destroy();
