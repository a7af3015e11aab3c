import type { ServerResponse } from 'node:http';
import type { Decision, FallbackReason } from '../../src/domain/decision.ts';
import { resetConnection, type SwitchableStub, stallBody, startSwitchableStub } from './stubServer.ts';

/** How the stub model answers; switched at any time through `StubModel.mode`. */
type StubModelMode =
  | { readonly kind: 'decision'; readonly decision: unknown }
  /** The text of the answer, taken as it is. */
  | { readonly kind: 'content'; readonly content: string | null; readonly finishReason?: string }
  | { readonly kind: 'refusal'; readonly refusal: string }
  | { readonly kind: 'noChoices' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code?: string;
      readonly retryAfter?: string;
      readonly location?: string;
    }
  /** A body that is not a completion, with status 200. */
  | { readonly kind: 'body'; readonly contentType: string; readonly body: string }
  | { readonly kind: 'stall' | 'stalledBody' | 'reset' };

export type StubModel = SwitchableStub<StubModelMode> & {
  /** The base URL for an OpenAI-compatible client. */
  readonly baseUrl: string;
};

/** What the default playbook's most confident recommendation looks like. */
export const CONFIDENT_RETRY: Decision = {
  intent: 'RETRY_EXTERNAL_CALL',
  nextStep: 'AUTOMATED_EXECUTION',
  routeTarget: 'PARTNER_API',
  retryStrategy: 'NONE',
  riskScore: 0.1,
  confidence: 0.95,
  reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
};

/** Starts a stub of an OpenAI-compatible chat completions endpoint; it answers CONFIDENT_RETRY until told otherwise. */
export async function startStubModel(): Promise<StubModel> {
  const mode: StubModelMode = { kind: 'decision', decision: CONFIDENT_RETRY };
  const { stub, url } = await startSwitchableStub<StubModelMode>(mode, answer);
  return Object.assign(stub, { baseUrl: `${url}/v1` });
}

function answer(mode: StubModelMode, response: ServerResponse): void {
  switch (mode.kind) {
    case 'decision':
      completion(response, { content: JSON.stringify(mode.decision) });
      return;
    case 'content':
      completion(response, { content: mode.content }, mode.finishReason);
      return;
    case 'refusal':
      completion(response, { content: null, refusal: mode.refusal });
      return;
    case 'noChoices':
      json(response, 200, { ...ENVELOPE, choices: [] });
      return;
    case 'status':
      failure(mode, response);
      return;
    case 'body':
      response.writeHead(200, { 'content-type': mode.contentType });
      response.end(mode.body);
      return;
    case 'stalledBody':
      stallBody(response, 200, '{"id":"chatcmpl-1","choices":[');
      return;
    case 'reset':
      resetConnection(response);
      return;
    case 'stall':
      return;
  }
}

const ENVELOPE = { id: 'chatcmpl-1', object: 'chat.completion', created: 0, model: 'stub-model' };
const USAGE = { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 };

function completion(response: ServerResponse, message: object, finishReason = 'stop'): void {
  const choice = { index: 0, finish_reason: finishReason, message: { role: 'assistant', ...message } };
  json(response, 200, { ...ENVELOPE, choices: [choice], usage: USAGE });
}

function failure(mode: Extract<StubModelMode, { kind: 'status' }>, response: ServerResponse): void {
  if (mode.retryAfter !== undefined) response.setHeader('retry-after', mode.retryAfter);
  if (mode.location !== undefined) response.setHeader('location', mode.location);
  // The request is echoed, as some servers do: nothing of it may reach a cause or a log.
  json(response, mode.status, {
    error: { message: 'stub failure: Partner API failed', type: 'stub', code: mode.code ?? null },
  });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** One way in which a model fails, and what must become of it. */
export type ModelFailure = {
  readonly name: string;
  readonly mode: StubModelMode;
  readonly reasonCode: FallbackReason;
  /** Text that must be in the recorded raw answer; null where there is none to record. */
  readonly rawText: string | null;
};

const HTML = '<!doctype html><html><body>Sign in to continue</body></html>';
const text = (change: object): string => JSON.stringify({ ...CONFIDENT_RETRY, ...change });
const invalid = (name: string, content: string, rawText = content): ModelFailure => ({
  name,
  mode: { kind: 'content', content },
  reasonCode: 'AI_INVALID_RESPONSE',
  rawText,
});
const status = (
  code: number,
  reasonCode: FallbackReason,
  extra: Partial<Extract<StubModelMode, { kind: 'status' }>> = {},
): ModelFailure => ({
  name: `HTTP ${code}${extra.code === undefined ? '' : ` ${extra.code}`}${extra.retryAfter === undefined ? '' : ` Retry-After ${extra.retryAfter}`}`,
  mode: { kind: 'status', status: code, ...extra },
  reasonCode,
  rawText: null,
});

/** Every failure of a model that the system must turn into a fallback. */
export const MODEL_FAILURES: readonly ModelFailure[] = [
  status(429, 'AI_RATE_LIMITED'),
  status(429, 'AI_RATE_LIMITED', { retryAfter: '0' }),
  status(429, 'AI_RATE_LIMITED', { retryAfter: '30' }),
  status(429, 'AI_RATE_LIMITED', { code: 'insufficient_quota' }),
  status(500, 'AI_UNAVAILABLE'),
  status(401, 'AI_UNAVAILABLE'),
  status(400, 'AI_UNAVAILABLE'),
  status(400, 'AI_REFUSED', { code: 'content_filter' }),
  status(404, 'AI_UNAVAILABLE'),
  status(307, 'AI_UNAVAILABLE', { location: '/elsewhere' }),
  status(504, 'AI_TIMEOUT'),
  { name: 'a stall', mode: { kind: 'stall' }, reasonCode: 'AI_TIMEOUT', rawText: null },
  { name: 'a stalled body', mode: { kind: 'stalledBody' }, reasonCode: 'AI_TIMEOUT', rawText: null },
  { name: 'a reset connection', mode: { kind: 'reset' }, reasonCode: 'AI_UNAVAILABLE', rawText: null },
  {
    name: 'a refusal',
    mode: { kind: 'refusal', refusal: 'I cannot help with that.' },
    reasonCode: 'AI_REFUSED',
    rawText: 'I cannot help with that.',
  },
  {
    name: 'finish_reason content_filter',
    mode: { kind: 'content', content: null, finishReason: 'content_filter' },
    reasonCode: 'AI_REFUSED',
    rawText: null,
  },
  {
    name: 'finish_reason length',
    mode: { kind: 'content', content: '{"intent":"RETRY_EXT', finishReason: 'length' },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: '{"intent":"RETRY_EXT',
  },
  {
    name: 'no content',
    mode: { kind: 'content', content: null },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: '"content":null',
  },
  {
    name: 'no choices',
    mode: { kind: 'noChoices' },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: '"choices":[]',
  },
  {
    name: 'an HTML page',
    mode: { kind: 'body', contentType: 'text/html', body: HTML },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: HTML,
  },
  {
    name: 'an HTML page that claims to be JSON',
    mode: { kind: 'body', contentType: 'application/json', body: HTML },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: HTML,
  },
  {
    name: 'an empty body',
    mode: { kind: 'body', contentType: 'application/json', body: '' },
    reasonCode: 'AI_INVALID_RESPONSE',
    rawText: null,
  },
  invalid('prose instead of JSON', 'Sure! You should retry the call.'),
  invalid('JSON in a code fence', `\`\`\`json\n${text({})}\n\`\`\``),
  invalid('JSON that is no object', '[]'),
  invalid('an extra key', text({ parameters: { amount: 5 } })),
  invalid('a missing key', JSON.stringify({ intent: 'RETRY_EXTERNAL_CALL' })),
  invalid('confidence above 1', text({ confidence: 1.01 })),
  invalid('riskScore below 0', text({ riskScore: -0.2 })),
  invalid('an infinite number', text({}).replace('0.95', '1e999')),
  invalid('a number as text', text({ confidence: '0.95' })),
  invalid('an unknown intent', text({ intent: 'DELETE_EVERYTHING' })),
  invalid('a reserved reason code', text({ reasonCode: 'AI_TIMEOUT' })),
  invalid('a NUL in the intent', text({ intent: 'RETRY_EXTERNAL_CALL\u0000' })),
  invalid('a NUL outside of the JSON', `${text({})}\u0000`),
  invalid('a lone surrogate in the reason', text({ reasonCode: 'UNKNOWN\ud800' })),
  invalid('a lone surrogate outside of the JSON', `${text({})}\ud800`, `${text({})}\ufffd`),
];
