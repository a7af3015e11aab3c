import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLogAt } from '../../src/eventstore/openLog.ts';
import { NO_STREAM } from '../../src/eventstore/port.ts';
import { type Ended, runToEnd } from '../support/childService.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Far less than the 30 s for which an open pool keeps a process alive, enough for a slow machine to start one. */
const SOON_MS = 10_000;

let one: TestDatabase;
let other: TestDatabase;

beforeAll(async () => {
  [one, other] = await Promise.all([createTestDatabase('copy one'), createTestDatabase('copy other')]);
  await Promise.all([record(one.url), record(other.url)]);
});
afterAll(async () => {
  await Promise.all([one?.drop(), other?.drop()]);
});

/** An event that no other log has. */
async function record(url: string): Promise<void> {
  const { store, close } = await openLogAt(url);
  await store.append('policy-x', NO_STREAM, [
    { id: uuidv7(), type: 'PolicyRegistered', data: '{}', metadata: '{}' },
  ]);
  await close();
}

async function copySoon(from: string, to: string): Promise<Ended & { readonly output: string }> {
  const began = performance.now();
  const ended = await runToEnd(['src/cli/copy-log.ts', '--from', from, '--to', to], {});
  expect(performance.now() - began).toBeLessThan(SOON_MS);
  return ended;
}

it('ends at once when the logs differ, and says so', { timeout: 45_000 }, async () => {
  const { code, output } = await copySoon(one.url, other.url);
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^The command failed \(LOGS_DIFFER\): event 1 of the target \(policy-x at revision 0\) /,
    ),
  });
});

it.each(['from', 'to'])(
  'ends at once when the log to copy %s cannot be opened',
  { timeout: 45_000 },
  async (side) => {
    const gone = new URL(one.url);
    gone.pathname = '/there_is_none';
    const { code, output } = await (side === 'to'
      ? copySoon(one.url, gone.href)
      : copySoon(gone.href, one.url));
    expect(code).toBe(1);
    expect(output).toContain('there_is_none');
    expect(output).not.toContain('The service cannot start');
  },
);
