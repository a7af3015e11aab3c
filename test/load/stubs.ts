import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Decision } from '../../src/domain/decision.ts';
import { CONFIDENT_RETRY } from '../support/stubModel.ts';
import { completionWith } from './completion.ts';

/**
 * Model and backend of a load test, in a process of their own, so that they neither wait for whoever makes the load nor hold it up.
 * They keep counts, not requests. The parent process tells them how to behave and asks what they saw: see outside.ts.
 */

/** `answer`: at once or after a pause. `stall`: accept, and never answer. `mixed`: a fixed share of the texts and keys fails. */
export type Mode = 'answer' | 'stall' | 'mixed';
export type Behaviour = { readonly model: Mode; readonly backend: Mode };
export type Counts = {
  readonly model: number;
  readonly backend: number;
  /** How many different idempotency keys reached the backend. */
  readonly keys: number;
};
export type Order = Behaviour | 'count';
export type Told = { readonly modelUrl: string; readonly backendUrl: string } | Counts;

const MODEL_MS = 50;
const BACKEND_MS = 20;
/** Of 100 texts: the first so many are recommended to a person, the next so many get an answer that breaks the contract, then an error. */
const MIXED_MODEL = { manual: 10, broken: 2, error: 2 };
/** Of 100 keys: their first call is refused, ends with an error, or is never answered; of the first so many every call is refused. */
const MIXED_BACKEND = { hopeless: 1, refused: 4, error: 3, silent: 1 };

/** Tried again when it fails, so that what a stalled backend leaves undone is seen to be done later. */
const RETRY: Decision = { ...CONFIDENT_RETRY, retryStrategy: 'BACKOFF' };

let behaviour: Behaviour = { model: 'answer', backend: 'answer' };
const calls = { model: 0, backend: 0 };
const callsOfKey = new Map<string, number>();

/** A number from 0 to 99 that depends on the text only, so that the same run has the same share of everything. */
const percentile = (text: string): number => createHash('sha256').update(text).digest().readUInt16BE() % 100;

function send(response: ServerResponse, status: number, body: unknown, afterMs: number): void {
  setTimeout(() => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }, afterMs);
}

function answerModel(request: unknown, response: ServerResponse): void {
  if (behaviour.model === 'stall') return;
  const draw = behaviour.model === 'mixed' ? percentile(JSON.stringify(request)) : 100;
  const { manual, broken, error } = MIXED_MODEL;
  if (draw >= manual + broken && draw < manual + broken + error) {
    send(response, 500, { error: { message: 'stub failure', type: 'stub', code: null } }, MODEL_MS);
    return;
  }
  const decision = draw < manual ? { ...RETRY, nextStep: 'MANUAL_REVIEW' } : RETRY;
  const content = draw >= manual && draw < manual + broken ? 'Sure!' : JSON.stringify(decision);
  send(response, 200, completionWith(content), MODEL_MS);
}

function answerBackend(key: string, response: ServerResponse): void {
  const call = (callsOfKey.get(key) ?? 0) + 1;
  callsOfKey.set(key, call);
  if (behaviour.backend === 'stall') return;
  const draw = behaviour.backend === 'mixed' ? percentile(key) : 100;
  const { hopeless, refused, error, silent } = MIXED_BACKEND;
  if (draw < hopeless || (call === 1 && draw < refused)) send(response, 422, { ok: false }, BACKEND_MS);
  else if (call === 1 && draw < refused + error) send(response, 503, { ok: false }, BACKEND_MS);
  else if (call > 1 || draw >= refused + error + silent) send(response, 200, { ok: true }, BACKEND_MS);
}

function listen(answer: (body: unknown, key: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    const key = String(request.headers['idempotency-key'] ?? '');
    json(request)
      .then((body) => answer(body, key, response))
      .catch(() => response.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

const modelUrl = await listen((body, _key, response) => {
  calls.model += 1;
  answerModel(body, response);
});
const backendUrl = await listen((_body, key, response) => {
  calls.backend += 1;
  answerBackend(key, response);
});
process.on('message', (order: Order) => {
  if (order !== 'count') behaviour = order;
  process.send?.({ ...calls, keys: callsOfKey.size } satisfies Told);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ modelUrl: `${modelUrl}/v1`, backendUrl } satisfies Told);
