import { request } from 'undici';
import type { LoadOrder, LoadResult } from './load/orders.ts';
import { type Metered, meter } from './metering.ts';
import type { Options } from './options.ts';
import type { Outside } from './outside.ts';
import type { Database, Server } from './postgres.ts';
import type { Started } from './processes.ts';
import type { Serving } from './roster/contestant.ts';

/** One run of the load generator with what it used. */
export type Measured = LoadResult & Metered & { readonly connections: number; readonly perSecond: number };

/** What visits share. */
export type Bench = {
  readonly options: Options;
  readonly server: Server;
  readonly promptFile: string;
  readonly folder: string;
  readonly logs: string;
  /** Where profiles go; null: none. */
  readonly profiles: string | null;
};

/** What one visit works with. */
export type Visiting = {
  readonly bench: Bench;
  readonly outside: Outside;
  readonly database: Database;
  readonly serving: Serving;
  readonly load: Started;
};

/** Has the load generator do one order, and meters what that uses. */
export async function run(
  { bench, outside, database, serving, load }: Visiting,
  wanted: Partial<LoadOrder> & Pick<LoadOrder, 'prefix' | 'connections'>,
): Promise<Measured> {
  const order: LoadOrder = {
    target: serving.target,
    cases: bench.options.cases,
    serial: false,
    ratePerSecond: null,
    warmSeconds: 1,
    seconds: bench.options.seconds,
    ...wanted,
  };
  const subjects = { contestant: serving.pids, postgres: bench.server.pid, database };
  const others = [...outside.pids, load.pid, process.pid];
  const [result, metered] = await meter.during(subjects, others, () => load.ask<LoadResult>(order));
  return {
    ...result,
    ...metered,
    connections: order.connections,
    perSecond: result.measured / order.seconds,
  };
}

/** Sends one task outside of any measurement. */
export async function sendTask(
  { target }: Serving,
  key: string,
  caseId: string,
): Promise<{ readonly statusCode: number; readonly text: string }> {
  const description = 'Partner API failed again with timeout, please retry for policy 4711';
  const own = target.dialect === 'case-task';
  const { statusCode, body } = await request(`${target.urls[0]}/${own ? 'case-task' : 'task'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(own ? { 'idempotency-key': key } : {}) },
    body: JSON.stringify(
      own
        ? { case_id: caseId, description, channel: 'SYSTEM', user_role: 'OPS' }
        : { caseId, description, key },
    ),
  });
  return { statusCode, text: await body.text() };
}
