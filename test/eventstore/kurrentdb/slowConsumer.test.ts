import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { fill, openServer } from './support.ts';

const EVENTS = 50_000;
const EVENT_BYTES = 2_000;
/** A seventh of what lies ahead; what a store that takes all that it gets holds soon. */
const MOST_BYTES = 14 * 1024 * 1024;

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
    if (seen.length % 5_000 !== 0) continue;
    // Slow: whatever the server sends meanwhile piles up somewhere.
    for (let turns = 0; turns < 500; turns += 1) await turn();
    used.push(usedBytes() - before);
  }
  expect(seen).toEqual(expected.map(({ id, position }) => ({ id, position })));
  process.stdout.write(`USED ${used.map((b) => (b / 1048576).toFixed(1))}\n`);
  expect(used.length).toBeGreaterThanOrEqual(9);
  expect(Math.max(...used)).toBeLessThan(MOST_BYTES);
  await under.close();
});
