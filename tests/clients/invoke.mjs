// What AWS's own SDK for Bedrock makes of the gateway's answers, as one JSON object on standard output.
// usage: node invoke.mjs BASE_URL API_KEY MODEL

import {
  BedrockRuntimeClient,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const [endpoint, apiKey, modelId] = process.argv.slice(2);
// HTTP/1.1, as a gateway without TLS speaks no other; over TLS the SDK's own handler works as it is.
const client = new BedrockRuntimeClient({
  requestHandler: new NodeHttpHandler(),
  endpoint,
  region: 'us-east-1',
  token: { token: apiKey },
  authSchemePreference: ['httpBearerAuth'],
  maxAttempts: 1,
});
const request = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello, Claude' }],
};
const body = JSON.stringify(request);

const whole = await client.send(new InvokeModelCommand({ modelId, body }));

const streamed = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
const events = [];
for await (const event of streamed.body) {
  if (event.chunk) events.push(JSON.parse(new TextDecoder().decode(event.chunk.bytes)));
}

const counted = await client.send(new CountTokensCommand({ modelId, input: { invokeModel: { body: new TextEncoder().encode(body) } } }));

const refused = await client
  .send(new InvokeModelCommand({ modelId: 'nosuch', body }))
  .catch((error) => ({ name: error.name, status: error.$metadata.httpStatusCode, message: error.message, id: error.$metadata.requestId }));

console.log(JSON.stringify({
  whole: JSON.parse(new TextDecoder().decode(whole.body)),
  types: events.map((event) => event.type),
  text: events.filter((event) => event.type === 'content_block_delta').map((event) => event.delta.text).join(''),
  model: events[0].message.model,
  counted: counted.inputTokens,
  refused,
}));
