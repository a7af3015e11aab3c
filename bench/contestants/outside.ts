import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { z } from 'zod';
import { settings } from './settings.ts';
import type { Task } from './task.ts';

/**
 * The calls that every contestant but this project's own makes: undici's `request` on kept connections, the fastest client there is.
 * (This project asks its model through the openai package, as it does in production.)
 */
const { modelUrl, backendUrl, promptFile } = settings;
/** What this project sends too, so that nobody's requests are smaller. */
const { system, responseFormat } = z
  .object({ system: z.string(), responseFormat: z.unknown() })
  .parse(JSON.parse(readFileSync(promptFile, 'utf8')));

const poolOf = (url: string): Pool =>
  new Pool(new URL(url).origin, { pipelining: 1, keepAliveTimeout: 60_000 });
const model = poolOf(modelUrl);
const backend = poolOf(backendUrl);
const completionsPath = `${new URL(modelUrl).pathname}/chat/completions`;

type Completion = { readonly choices: readonly { readonly message: { readonly content: string } }[] };

/**
 * Asks the model once; returns the text that it answered.
 *
 * @throws Error where it does not answer with 200
 */
export async function askModel({ description }: Task): Promise<string> {
  const user = JSON.stringify({
    task: { description, channel: 'SYSTEM', userRole: 'OPS' },
    case: { caseState: 'OPEN', retryCount: 0, lastErrorType: null, priority: 'MEDIUM' },
  });
  const { statusCode, body } = await model.request({
    path: completionsPath,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer none' },
    body: JSON.stringify({
      model: 'stub',
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ],
      response_format: responseFormat,
    }),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`the model answered ${statusCode}`);
  const content = (JSON.parse(text) as Completion).choices[0]?.message.content;
  if (content === undefined) throw new Error('the model answered nothing');
  return content;
}

/**
 * Calls the backend once, with the task's key as idempotency key.
 *
 * @throws Error where it does not answer with 200
 */
export async function callBackend({ key, caseId }: Task, intent: string): Promise<void> {
  const { statusCode, body } = await backend.request({
    path: `/PARTNER_API/${caseId}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ task: key, intent }),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`the backend answered ${statusCode}`);
}
