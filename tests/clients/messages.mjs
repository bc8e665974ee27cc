// What an official SDK makes of the gateway's answers, as one JSON object on standard output.
// usage: node messages.mjs sdk|foundry|bedrock|bedrock-signed|vertex BASE_URL API_KEY MODEL

import Anthropic from '@anthropic-ai/sdk';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';

const [kind, baseURL, apiKey, model] = process.argv.slice(2);
const options = { baseURL, apiKey, maxRetries: 0 };
// Where the cloud's own credential takes the Authorization header, the key goes beside it.
const beside = { baseURL, maxRetries: 0, defaultHeaders: { 'x-api-key': apiKey } };
const clients = {
  sdk: () => new Anthropic({ ...options, authToken: null }),
  foundry: () => new AnthropicFoundry(options),
  bedrock: () => new AnthropicBedrock(options),
  'bedrock-signed': () => new AnthropicBedrock({ ...beside, awsAccessKey: 'AKIAEXAMPLE', awsSecretKey: 'example' }),
  vertex: () =>
    new AnthropicVertex({
      ...beside,
      projectId: 'any',
      region: 'global',
      authClient: { getRequestHeaders: async () => new Headers({ authorization: 'Bearer ya29.example' }) },
    }),
};
const client = clients[kind]();

const bash = {
  name: 'Bash',
  description: 'Runs a command',
  input_schema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
};
const hello = [{ role: 'user', content: 'Hello, Claude' }];
const ask = [{ role: 'user', content: 'run ls' }];

const whole = await client.messages.create({ model, max_tokens: 100, messages: hello });

const stream = client.messages.stream({ model, max_tokens: 100, messages: hello });
const deltas = [];
stream.on('text', (text) => deltas.push(text));
const streamed = await stream.finalMessage();

const call = await client.messages.create({ model, max_tokens: 100, tools: [bash], messages: ask });
const use = call.content.find((block) => block.type === 'tool_use');
const result = await client.messages.create({
  model,
  max_tokens: 100,
  tools: [bash],
  messages: [
    ...ask,
    { role: 'assistant', content: call.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'one\ntwo' }] },
  ],
});

// Bedrock's CountTokens is another API, which this SDK does not speak.
const counted = kind.startsWith('bedrock') ? null : await client.messages.countTokens({ model, messages: hello });

let models = null;
if (kind === 'sdk') {
  models = [];
  for await (const listed of client.models.list({ limit: 2 })) models.push(listed.id);
}

const refused = await client.messages
  .create({ model: 'nosuch', max_tokens: 100, messages: hello })
  .catch((error) => ({ name: error.constructor.name, status: error.status, type: error.error?.error?.type, message: error.error?.error?.message }));

console.log(JSON.stringify({
  whole: { text: whole.content[0].text, model: whole.model, stop_reason: whole.stop_reason, usage: whole.usage },
  streamed: { text: streamed.content[0].text, deltas: deltas.join(''), model: streamed.model, usage: streamed.usage },
  call: { stop_reason: call.stop_reason, name: use.name, input: use.input },
  result: result.content[0].text,
  counted: counted?.input_tokens,
  models,
  refused,
}));
