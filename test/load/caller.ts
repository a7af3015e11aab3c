import { Pool } from 'undici';
import type { TaskAnswer } from '../support/client.ts';

/** An answer as a load test looks at it. */
export type Answer = {
  /** 0 when there was none. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
};

export type Sent = {
  readonly caseId: string;
  readonly text: string;
  /** `Idempotency-Key`; derived by the service without it. */
  readonly key?: string;
  /** `Prefer`. */
  readonly prefer?: string;
};

/** Calls a service with as many connections as it takes: nothing queues on this side. */
export type Caller = {
  readonly get: (path: string) => Promise<Answer>;
  readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly task: (sent: Sent) => Promise<Answer>;
  readonly close: () => Promise<void>;
};

const NO_ANSWER: Answer = { status: 0, headers: {}, body: null };
/** Longer than any wait that the service promises. */
const ANSWER_MS = 60_000;

export function createCaller(url: string): Caller {
  const pool = new Pool(url, { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS, keepAliveTimeout: 30_000 });
  const send = async (
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    try {
      const answer = await pool.request({
        method,
        path,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      const isJson = String(answer.headers['content-type']).includes('json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: isJson ? JSON.parse(text) : text,
      };
    } catch {
      return NO_ANSWER;
    }
  };
  const post: Caller['post'] = (path, body, headers) => send('POST', path, body, headers);
  return {
    get: (path) => send('GET', path),
    post,
    task: ({ caseId, text, key, prefer }) =>
      post(
        '/case-task',
        { case_id: caseId, description: text, channel: 'SYSTEM', user_role: 'OPS' },
        {
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(prefer === undefined ? {} : { prefer }),
        },
      ),
    close: () => pool.destroy(),
  };
}

/** The id of a task that an answer tells of; null where it tells of none. */
export const taskIdOf = ({ status, body }: Answer): string | null =>
  status === 200 || status === 202 ? (body as TaskAnswer).taskId : null;
