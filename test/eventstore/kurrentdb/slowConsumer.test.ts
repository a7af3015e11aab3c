import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { fill, openServer } from './support.ts';

const EVENTS = 50_000;
const EVENT_BYTES = 2_000;
/** A third of what lies ahead, the test's own and the server's buffers included: all of it is in this process. */
const MOST_BYTES = 32 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('a slow consumer with 50,000 events behind gets each once and in order, and little is kept in memory', {
  timeout: 30_000,
}, async () => {
  const under = await openServer();
  fill(under.server, EVENTS, JSON.stringify('x'.repeat(EVENT_BYTES)));
  const expected = under.server.log.records.filter(({ stream }) => !stream.startsWith('$'));
  const before = usedBytes();
  const seen: { readonly id: string; readonly position: bigint }[] = [];
  const used: number[] = [];
  for await (const batch of under.store().subscribe(null, 500, new AbortController().signal)) {
    for (const { id, position } of batch) seen.push({ id, position });
    if (seen.length >= EVENTS) break;
    if (seen.length < (used.length + 1) * 10_000) continue;
    // Slow: whatever the server sends meanwhile piles up somewhere.
    for (let turns = 0; turns < 3_000; turns += 1) await turn();
    used.push(usedBytes() - before);
  }
  expect(seen).toEqual(expected.map(({ id, position }) => ({ id, position })));
  expect(used.length).toBe(4);
  expect(Math.max(...used)).toBeLessThan(MOST_BYTES);
  await under.close();
});
