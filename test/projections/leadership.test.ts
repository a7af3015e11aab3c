import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Leadership, type LeadershipBounds, tryToLead } from '../../src/projections/leadership.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { until } from '../support/until.ts';

const SHORT = { connectMs: 3_000, queryMs: 100, endMs: 100 };
const LONG = { connectMs: 3_000, queryMs: 60_000, endMs: 60_000 };
/** Far less than any wait of the driver's own, and than the test's. */
const SOON_MS = 3_000;

let database: TestDatabase;
let gate: Gate;
beforeAll(async () => {
  database = await createTestDatabase('leadership');
});
beforeEach(async () => {
  gate = await openGate(database.url);
});
afterEach(() => gate.close());
afterAll(() => database?.drop());

async function within<T>(work: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work;
  expect(performance.now() - began).toBeLessThan(SOON_MS);
  return result;
}

/** The server gives a lock back when it notices that its session has ended, a moment after the client has. */
const leadWhenFree = (bounds?: LeadershipBounds): Promise<Leadership> =>
  until('leadership is free', () => tryToLead(gate.url, bounds));

describe('leadership', () => {
  it('is held by one, and free again when it is released', async () => {
    const first = await leadWhenFree(LONG);
    expect(first.lost.aborted).toBe(false);
    expect(await tryToLead(gate.url, LONG)).toBeNull();
    await within(first.release());
    const second = await leadWhenFree(LONG);
    await second.release();
  });

  it('is given up in time on a connection that has fallen silent, which is then hung up', async () => {
    const leadership = await leadWhenFree(SHORT);
    gate.fallSilent();
    await within(leadership.release());
    expect(leadership.lost.aborted).toBe(true);
  });

  it('has bounds of its own where none are given', async () => {
    const leadership = await leadWhenFree();
    gate.fallSilent();
    await within(leadership.release());
  });

  it('is not waited for when the server falls silent in the middle of the question', async () => {
    gate.fallSilent('pg_try_advisory_lock');
    await within(expect(tryToLead(gate.url, SHORT)).rejects.toThrow('Query read timeout'));
  });
});
