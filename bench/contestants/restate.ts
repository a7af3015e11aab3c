import { once } from 'node:events';
import { createServer } from 'node:http2';
import * as restate from '@restatedev/restate-sdk';
import { Pool } from 'undici';
import { askModel, callBackend } from './outside.ts';
import { judge, parseDecision } from './rules.ts';
import { serve } from './serve.ts';
import { settings } from './settings.ts';
import type { Answer, Task } from './task.ts';

/**
 * Restate: one invocation a task through the server's ingress, with the key as idempotency key; the two calls are `ctx.run`, the rules
 * plain code between them (docs.restate.dev, durable steps). A service, where tasks may run beside each other; a virtual object
 * with the case as its key, where they may not.
 */
async function handle(ctx: restate.Context, task: Task): Promise<Answer> {
  const decision = await ctx.run('recommend', async () => parseDecision(await askModel(task)));
  if (judge(decision).length > 0) return { key: task.key, outcome: 'MANUAL', decision };
  await ctx.run('execute', () => callBackend(task, decision.intent));
  return { key: task.key, outcome: 'AUTO_SUCCESS', decision };
}

const tasks = restate.service({ name: 'tasks', handlers: { handle } });
const cases = restate.object({
  name: 'cases',
  handlers: { handle: (ctx: restate.ObjectContext, task: Task) => handle(ctx, task) },
});

const ingress = new Pool(settings.restateUrl, { pipelining: 1, keepAliveTimeout: 60_000 });
const silent: restate.LoggerTransport = () => undefined;
// What `restate.serve` does, on loopback alone.
const endpoint = createServer(restate.createEndpointHandler({ services: [tasks, cases], logger: silent }));
endpoint.listen(0, '127.0.0.1');
await once(endpoint, 'listening');
const address = endpoint.address();
if (address === null || typeof address === 'string') throw new Error('listens on no port');

await serve(
  async (task) => {
    const { statusCode, body } = await ingress.request({
      path: task.serial ? `/cases/${task.caseId}/handle` : '/tasks/handle',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': task.key },
      body: JSON.stringify(task),
    });
    if (statusCode !== 200) throw new Error(`the ingress answered ${statusCode}: ${await body.text()}`);
    return (await body.json()) as Answer;
  },
  { endpointPort: address.port },
);
