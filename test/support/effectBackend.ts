import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RefusableServer, startRefusableServer } from './refusableServer.ts';
import { delay, resetConnection } from './stubServer.ts';

/** The two backends that one server is: `partner` does nothing twice for one key and can be asked; `core` neither. */
export type EffectRoute = 'partner' | 'core';

/** What becomes of one call. */
export type Fate =
  | 'done'
  | 'doneSlowly'
  /** Done when the caller has given up long since. */
  | 'doneLate'
  | 'doneThenError'
  | 'doneThenClosed'
  | 'doneThenSilent'
  /** 500, and nothing was done. */
  | 'failed'
  /** 422, and nothing was done. */
  | 'refused'
  /** The connection is closed, and nothing was done. */
  | 'closed';

/** How a backend is down: 503, a reset, or silence; null while it is up. */
export type Outage = 'unavailable' | 'reset' | 'stall' | null;

export type EffectCall = {
  readonly route: EffectRoute;
  readonly key: string;
  readonly taskId: string;
  /** When it arrived, and when its effect happened; null where none did. Milliseconds since 1970. */
  readonly at: number;
  effectAt: number | null;
};

export type EffectBackend = RefusableServer & {
  /** All calls, but no lookups, in order. */
  readonly calls: readonly EffectCall[];
  /** When each key was asked about. */
  readonly lookups: ReadonlyMap<string, readonly number[]>;
  readonly fates: ReadonlyMap<string, number>;
  readonly outage: Record<EffectRoute, Outage>;
};

export type EffectBackendOptions = {
  readonly fateOf: (route: EffectRoute) => Fate;
  /** Milliseconds that a call takes: `usual`, `slow` (within the caller's patience), `late` (beyond it). */
  readonly takes: (how: 'usual' | 'slow' | 'late') => number;
};

/**
 * A stub of two backends that counts what it really does:
 * `POST /partner/{caseId}` and `POST /core/{caseId}` with an Idempotency-Key and `{"task": ...}`, `GET /partner/effects/{key}` (200 when it was
 * done, else 404).
 */
export async function startEffectBackend(options: EffectBackendOptions): Promise<EffectBackend> {
  const calls: EffectCall[] = [];
  const lookups = new Map<string, number[]>();
  const fates = new Map<string, number>();
  const outage: EffectBackend['outage'] = { partner: null, core: null };
  const doneByPartner = new Set<string>();

  const perform = (call: EffectCall): void => {
    if (call.route === 'partner' && doneByPartner.has(call.key)) return;
    if (call.route === 'partner') doneByPartner.add(call.key);
    call.effectAt = Date.now();
  };

  const lookUp = (key: string, response: ServerResponse): void => {
    lookups.set(key, [...(lookups.get(key) ?? []), Date.now()]);
    reply(response, doneByPartner.has(key) ? 200 : 404);
  };

  const server = await startRefusableServer(async (request, body, response) => {
    const [, route, second, key] = (request.url ?? '').split('/');
    if (route !== 'partner' && route !== 'core') return reply(response, 404);
    if (outage[route] !== null) return beDown(outage[route], response);
    if (request.method === 'GET' && second === 'effects') return lookUp(key ?? '', response);
    const call = callOf(route, request, body);
    calls.push(call);
    const fate = options.fateOf(route);
    fates.set(fate, (fates.get(fate) ?? 0) + 1);
    await meet(fate, call, response, perform, options.takes);
  });
  return { ...server, calls, lookups, fates, outage };
}

function callOf(route: EffectRoute, { headers }: IncomingMessage, body: string): EffectCall {
  const { task } = JSON.parse(body) as { task: string };
  return { route, key: String(headers['idempotency-key']), taskId: task, at: Date.now(), effectAt: null };
}

async function meet(
  fate: Fate,
  call: EffectCall,
  response: ServerResponse,
  perform: (call: EffectCall) => void,
  takes: EffectBackendOptions['takes'],
): Promise<void> {
  if (fate === 'doneLate') await delay(takes('late'));
  else await delay(takes(fate === 'doneSlowly' ? 'slow' : 'usual'));
  if (fate.startsWith('done')) perform(call);
  switch (fate) {
    case 'done':
    case 'doneSlowly':
    case 'doneLate':
      reply(response, 200);
      return;
    case 'failed':
    case 'doneThenError':
      reply(response, 500);
      return;
    case 'refused':
      reply(response, 422);
      return;
    case 'closed':
    case 'doneThenClosed':
      resetConnection(response);
      return;
    case 'doneThenSilent':
      return;
  }
}

function beDown(how: Exclude<Outage, null>, response: ServerResponse): void {
  if (how === 'unavailable') reply(response, 503);
  if (how === 'reset') resetConnection(response);
}

function reply(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end('{}');
}
