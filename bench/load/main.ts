import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOrder, LoadResult } from './orders.ts';
import { createSender } from './sender.ts';
import { createTally } from './tally.ts';

/** The load generator, a process of its own: does one order of its parent after the other, and ends with it. */
async function run(order: LoadOrder): Promise<LoadResult> {
  const sender = createSender(order);
  const begin = performance.now();
  const from = begin + order.warmSeconds * 1_000;
  const until = from + order.seconds * 1_000;
  const tally = createTally(from, until);
  let next = 0;
  const sendOne = async (lane: number): Promise<void> => {
    const number = next;
    next += 1;
    const startedAt = performance.now();
    tally.note(await sender.send(number, lane), startedAt, performance.now());
  };
  if (order.ratePerSecond === null) await closedLoop(order, until, sendOne);
  else await openLoop(order.ratePerSecond, until, sendOne);
  await sender.close();
  return tally.result();
}

/** So many at a time, each sending the next when it has an answer; the last answers are waited for. */
async function closedLoop(
  order: LoadOrder,
  until: number,
  sendOne: (lane: number) => Promise<void>,
): Promise<void> {
  const startUpMs = order.warmSeconds * 500;
  const lanes = Array.from({ length: order.connections }, async (_, lane) => {
    await sleep((startUpMs * lane) / order.connections);
    while (performance.now() < until) await sendOne(lane);
  });
  await Promise.all(lanes);
}

/** Arrivals at random (exponential gaps), the same ones in every run; nobody waits for an answer before the next is sent. */
async function openLoop(
  ratePerSecond: number,
  until: number,
  sendOne: (lane: number) => Promise<void>,
): Promise<void> {
  const random = seeded(20_251);
  const inFlight = new Set<Promise<void>>();
  let due = performance.now();
  for (let lane = 0; due < until; lane += 1) {
    due += (-Math.log(1 - random()) * 1_000) / ratePerSecond;
    const pause = due - performance.now();
    if (pause > 0) await sleep(pause);
    const sent = sendOne(lane).finally(() => inFlight.delete(sent));
    inFlight.add(sent);
  }
  await Promise.all(inFlight);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
