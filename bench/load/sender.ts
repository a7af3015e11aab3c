import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { caseIdOf, type LoadOrder } from './orders.ts';

const DESCRIPTION = 'Partner API failed again with timeout, please retry for policy 4711';
const REFUSED_PAUSE_MS = 50;
const ANSWER_MS = 120_000;
const DUE = '"outcome":"AUTO_SUCCESS"';

/** How sending one task ended: null, or what was wrong; and how often it was refused before. */
export type Sent = { readonly failure: string | null; readonly refused: number };

/** Sends the task of a number over the connection pool of a lane; never rejects. `close` drops the connections. */
export type Sender = {
  readonly send: (number: number, lane: number) => Promise<Sent>;
  readonly close: () => Promise<void>;
};

/** Sends tasks as an order wants them. */
export function createSender(order: LoadOrder): Sender {
  const { urls } = order.target;
  const options = {
    connections: Math.ceil(order.connections / urls.length),
    pipelining: 1,
    keepAliveTimeout: 60_000,
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  };
  const pools = urls.map((url) => new Pool(url, options));
  const requestOf = order.target.dialect === 'task' ? peerRequest : ownRequest;

  const send = async (number: number, lane: number): Promise<Sent> => {
    const pool = pools[lane % pools.length];
    if (pool === undefined) throw new Error('a target without an address');
    const request = requestOf(order, number);
    for (let refused = 0; ; refused += 1) {
      try {
        const { statusCode, body } = await pool.request(request);
        const text = await body.text();
        if (statusCode === 200 && text.includes(DUE)) return { failure: null, refused };
        if (statusCode !== 429 && statusCode !== 503) {
          return { failure: `${statusCode}: ${text.slice(0, 300)}`, refused };
        }
      } catch (error) {
        return { failure: String(error), refused };
      }
      await sleep(REFUSED_PAUSE_MS);
    }
  };
  return {
    send,
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

const JSON_BODY = { 'content-type': 'application/json' };

function peerRequest({ prefix, cases, serial }: LoadOrder, number: number) {
  const key = `${prefix}-${number}`;
  const body = JSON.stringify({ caseId: caseIdOf(number % cases), description: DESCRIPTION, key, serial });
  return { path: '/task', method: 'POST' as const, headers: JSON_BODY, body };
}

function ownRequest({ prefix, cases }: LoadOrder, number: number) {
  const headers = { ...JSON_BODY, 'idempotency-key': `${prefix}-${number}` };
  const body = JSON.stringify({
    case_id: caseIdOf(number % cases),
    description: DESCRIPTION,
    channel: 'SYSTEM',
    user_role: 'OPS',
  });
  return { path: '/case-task', method: 'POST' as const, headers, body };
}
