/** What a service answered; `body` is parsed where it is JSON. */
export type Reply<Body = Readonly<Record<string, unknown>>> = {
  readonly status: number;
  readonly body: Body;
  readonly replayed: boolean;
  /** When it was received. Milliseconds since 1970. */
  readonly at: number;
  readonly retryAfterMs: number | null;
};

export type RequestParts = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

const PATIENCE_MS = 12_000;

/** One request; null when there was no answer, for whatever reason. */
export async function ask<Body = Readonly<Record<string, unknown>>>(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  { body, headers = {} }: RequestParts = {},
): Promise<Reply<Body> | null> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const parsed = (await response.json()) as Body;
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      body: parsed,
      replayed: response.headers.get('idempotency-replayed') === 'true',
      at: Date.now(),
      retryAfterMs: retryAfter === null ? null : Number(retryAfter) * 1_000,
    };
  } catch {
    return null;
  }
}
