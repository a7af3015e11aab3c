import { createHash } from 'node:crypto';
import type { Reply } from './request.ts';

/** What a client was once told of a task. */
export type Told = {
  readonly status: number;
  readonly at: number;
  readonly taskId: string;
  readonly receivedAt: string;
  readonly outcome: string | null;
  readonly decision: unknown;
};

export type LedgerTask = {
  readonly key: string;
  readonly caseId: string;
  readonly description: string;
  readonly prefer: string | undefined;
  readonly told: Told[];
};

/** The process that one request went to. */
export type SentTo = { readonly slot: string; readonly incarnation: number };

/** What a client remembers: every task that it sent, to whom, and every 2xx that it got. */
export type Ledger = {
  readonly tasks: readonly LedgerTask[];
  readonly add: (caseId: string, description: string, prefer: string | undefined) => LedgerTask;
  /** Notes that a task is sent. Returns the `traceparent` to send with it, by which the log tells who recorded what. */
  readonly sent: (to: SentTo) => string;
  /** Where the request with this `traceparent` went. */
  readonly sentTo: (traceparent: string) => SentTo | undefined;
  readonly told: (task: LedgerTask, reply: Reply) => void;
  readonly requests: () => number;
};

export function createLedger(): Ledger {
  const tasks: LedgerTask[] = [];
  const sent = new Map<string, SentTo>();
  return {
    tasks,
    add: (caseId, description, prefer) => {
      const task: LedgerTask = { key: `key-${tasks.length}`, caseId, description, prefer, told: [] };
      tasks.push(task);
      return task;
    },
    sent: (to) => {
      const traceId = createHash('sha256').update(String(sent.size)).digest('hex').slice(0, 32);
      const traceparent = `00-${traceId}-${traceId.slice(0, 16)}-01`;
      sent.set(traceparent, to);
      return traceparent;
    },
    sentTo: (traceparent) => sent.get(traceparent),
    told: (task, { status, at, body }) => {
      const { taskId, receivedAt, outcome, decision } = body as Pick<
        Told,
        'taskId' | 'receivedAt' | 'outcome' | 'decision'
      >;
      task.told.push({ status, at, taskId, receivedAt, outcome, decision });
    },
    requests: () => sent.size,
  };
}
