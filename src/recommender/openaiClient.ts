import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import type { z } from 'zod';
import type { Decision } from '../domain/decision.ts';

export const DEFAULT_BASE_URL = 'https://api.openai.com/v1';

/** A base URL that cannot be used. The message does not repeat it: it may hold a password. */
class InvalidBaseUrlError extends Error {
  readonly code = 'INVALID_BASE_URL';
}

/**
 * The base URL as it may be shown to people.
 *
 * @throws InvalidBaseUrlError when it is no http(s) URL, or holds a user, a password or a query
 */
export function shownBaseUrl(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidBaseUrlError("the model's base URL must be an absolute http(s) URL");
  }
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '') {
    throw new InvalidBaseUrlError(
      "the model's base URL must hold no user, password, query or fragment; the key goes into OPENAI_API_KEY",
    );
  }
  return url.href;
}

/** More than any decision needs; what comes after it is not read. */
const BODY_LIMIT = 1024 * 1024;

export type ClientOptions = {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
};

/** The SDK's client with everything said explicitly: it reads no environment of its own, logs nothing and never retries. */
export function createClient(options: ClientOptions): OpenAI {
  return new OpenAI({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: options.timeoutMs,
    fetch: narrowFetch(options.fetch, options.apiKey),
  });
}

/**
 * A fetch that follows no redirect (the text would go to a host that nobody configured), sends only the headers that
 * the call needs (the SDK adds what OPENAI_CUSTOM_HEADERS holds, and facts about this machine) and reads at most BODY_LIMIT bytes.
 */
function narrowFetch(inner: typeof fetch, apiKey: string): typeof fetch {
  return async (input, init) => {
    const headers = {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      accept: 'application/json',
    };
    const response = await inner(input, { ...init, headers, redirect: 'manual' });
    if (response.body === null) return response;
    return new Response(response.body.pipeThrough(cutAt(BODY_LIMIT)), {
      status: response.status,
      headers: response.headers,
    });
  };
}

function cutAt(limit: number): TransformStream<Uint8Array, Uint8Array> {
  let left = limit;
  return new TransformStream({
    transform: (chunk, controller) => {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left <= 0) controller.terminate();
    },
  });
}

/**
 * The answer's format for structured output. Bounds of numbers are left out: some compatible servers refuse schemas
 * that have them (learn.microsoft.com, Azure OpenAI, structured outputs: unsupported keywords), and the answer is validated again anyway.
 *
 * @throws when the contract has no strict JSON schema
 */
export function responseFormat(contract: z.ZodType<Decision>): ReturnType<typeof zodResponseFormat> {
  const format = zodResponseFormat(contract, 'decision');
  const { schema } = format.json_schema;
  if (schema !== undefined) format.json_schema.schema = withoutBounds(schema);
  return format;
}

function withoutBounds(schema: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(schema).filter(([key]) => key !== 'minimum' && key !== 'maximum');
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isRecord(value) ? withoutBounds(value) : value]),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
