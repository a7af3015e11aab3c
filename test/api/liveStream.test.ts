import { expect, it } from 'vitest';
import { createLiveFeed, type LiveFeed, type LivePage } from '../../src/api/liveFeed.ts';
import { type LiveRequest, type LiveStream, openLiveStream } from '../../src/api/liveStream.ts';
import { createPositionTokens } from '../../src/api/positions.ts';
import type { Changes } from '../../src/projections/changes.ts';
import { createFakeClock, type FakeClock, idle } from '../support/clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A feed whose pages a test hands out, and one connection to it on a clock of the test's. */
function rig(pages: (after: bigint) => LivePage | Error, request: LiveRequest = { after: 0n }) {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  const errors: unknown[] = [];
  const asked: bigint[] = [];
  const feed: LiveFeed = {
    read: async (after) => {
      asked.push(after);
      const page = pages(after);
      if (page instanceof Error) throw page;
      return page;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const encode = (position: bigint): string => `p${position}`;
  const live = openLiveStream({ feed, clock, encode, onError: (error) => errors.push(error) }, request);
  const tell = async (): Promise<void> => {
    for (const listener of listeners) listener();
    await idle();
  };
  return { clock, feed, live, errors, asked, listeners, tell };
}

/** Takes everything that comes. */
function taken({ stream }: LiveStream): { text: string; ended: boolean; closed: boolean } {
  const seen = { text: '', ended: false, closed: false };
  stream.on('data', (chunk) => {
    seen.text += String(chunk);
  });
  stream.on('end', () => {
    seen.ended = true;
  });
  stream.on('close', () => {
    seen.closed = true;
  });
  return seen;
}

const nothingAt = (reached: bigint): LivePage => ({ changes: [], reached, more: false });
const change = (text: string, caseId = 'A', queues = ['ops']) => ({ caseId, queues, text });
const START = 'retry: 1000\nid: p0\n\n';

it('says where it begins, sends what there is, page after page, and then waits', async () => {
  const pages: Record<string, LivePage> = {
    0: { changes: [change('one;'), change('two;')], reached: 7n, more: true },
    7: { changes: [change('three;')], reached: 9n, more: false },
  };
  const { live, asked, tell } = rig((after) => pages[String(after)] ?? nothingAt(after));
  const seen = taken(live);
  await idle();
  expect(seen.text).toBe(`${START}one;two;three;`);
  expect(asked).toEqual([0n, 7n]);
  pages[9] = { changes: [change('four;')], reached: 12n, more: false };
  await idle();
  expect(asked).toEqual([0n, 7n]);
  await tell();
  expect(seen.text).toBe(`${START}one;two;three;four;`);
  live.stream.destroy();
});

it('misses nothing that comes while it reads', async () => {
  let reached = 1n;
  const { live, listeners } = rig((after) => {
    const page = { changes: after < reached ? [change(`${reached};`)] : [], reached, more: false };
    if (reached < 3n) {
      reached += 1n;
      for (const listener of listeners) listener();
    }
    return page;
  });
  const seen = taken(live);
  await idle();
  expect(seen.text).toBe(`${START}1;2;3;`);
  live.stream.destroy();
});

it.each<[string, Partial<LiveRequest>, string]>([
  ['a case', { caseId: 'B' }, '2;'],
  ['a queue, also where it is left by now', { queue: 'sec' }, '3;'],
  ['both', { caseId: 'B', queue: 'sec' }, ''],
])('sends only what is of %s', async (_, filter, expected) => {
  const changes = [change('1;'), change('2;', 'B'), change('3;', 'A', ['sec', 'ops'])];
  const { live } = rig((after) => (after === 0n ? { changes, reached: 4n, more: false } : nothingAt(after)), {
    after: 0n,
    ...filter,
  });
  const seen = taken(live);
  await idle();
  expect(seen.text).toBe(`${START}${expected}`);
  live.stream.destroy();
});

it('says every 15 seconds that it lives, and how far it is', async () => {
  const { live, clock } = rig(() => nothingAt(42n));
  const seen = taken(live);
  await idle();
  clock.advance(15 * SECOND - 1);
  await idle();
  expect(seen.text).toBe(START);
  for (const advance of [1, 15 * SECOND]) {
    clock.advance(advance);
    await idle();
  }
  expect(seen.text).toBe(`${START}${': still here\nid: p42\n\n'.repeat(2)}`);
  live.stream.destroy();
});

it('ends after 15 minutes, behind whole events', async () => {
  const { live, clock, listeners } = rig(nothingAt);
  const seen = taken(live);
  await idle();
  clock.advance(15 * MINUTE - 1);
  await idle();
  expect(seen.ended).toBe(false);
  clock.advance(1);
  await idle();
  expect(seen).toMatchObject({ ended: true, closed: true });
  expect(listeners.size).toBe(0);
  expect(clock.sleepers()).toBe(0);
});

it('ends when it is told to, and after an error, which is told of', async () => {
  const told = rig(nothingAt);
  const seen = taken(told.live);
  await idle();
  told.live.end();
  await idle();
  expect(seen).toMatchObject({ text: START, ended: true, closed: true });

  const problem = new Error('the database is gone');
  const broken = rig(() => problem);
  const before = taken(broken.live);
  await idle();
  expect(before).toMatchObject({ text: START, ended: true, closed: true });
  expect(broken.errors).toEqual([problem]);
  expect([told, broken].map(({ listeners, clock }) => [listeners.size, clock.sleepers()])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

it('leaves nothing behind when the client goes', async () => {
  const waiting = rig(nothingAt);
  taken(waiting.live);
  await idle();
  waiting.live.stream.destroy();
  await idle();
  expect([waiting.listeners.size, waiting.clock.sleepers()]).toEqual([0, 0]);
});

it('reads for a client that takes nothing no more than fits, and cuts it off at the end', async () => {
  const big = 'x'.repeat(50_000);
  const { live, asked, clock, listeners, tell } = rig((after) => ({
    changes: [change(big)],
    reached: after + 1n,
    more: true,
  }));
  let closed = false;
  live.stream.on('close', () => {
    closed = true;
  });
  live.stream.read(0);
  for (let turn = 0; turn < 20; turn += 1) await tell();
  expect(asked.length).toBeLessThanOrEqual(3);
  clock.advance(15 * MINUTE);
  await idle();
  expect(closed).toBe(false);
  clock.advance(2 * SECOND);
  await idle();
  expect(closed).toBe(true);
  expect([listeners.size, clock.sleepers()]).toEqual([0, 0]);
});

/** The feed over read models of which a test says what they hold. */
function feedRig(): {
  readonly feed: LiveFeed;
  readonly clock: FakeClock;
  readonly reads: bigint[];
  readonly looks: () => number;
  readonly commit: () => void;
  position: bigint;
} {
  const clock = createFakeClock();
  const committed = new Set<() => void>();
  let looks = 0;
  const state = { position: 0n, reads: [] as bigint[] };
  const feed = createLiveFeed({
    clock,
    positions: createPositionTokens('test/log'),
    readModels: {
      changes: async (after): Promise<Changes> => {
        state.reads.push(after);
        await idle();
        return { changes: [], reached: state.position };
      },
      position: async () => {
        looks += 1;
        return state.position;
      },
      onCommitted: (listener) => {
        committed.add(listener);
        return () => committed.delete(listener);
      },
    },
  });
  const commit = (): void => {
    for (const listener of committed) listener();
  };
  return Object.assign(state, { feed, clock, commit, looks: () => looks });
}

it('reads once for all that are equally far', async () => {
  const { feed, reads } = feedRig();
  await Promise.all([feed.read(3n), feed.read(3n), feed.read(4n), feed.read(3n)]);
  expect(reads).toEqual([3n, 4n]);
  await feed.read(3n);
  expect(reads).toEqual([3n, 4n, 3n]);
});

it('reads little at one time, however many come back, and all of it in turn', async () => {
  const { feed, reads } = feedRig();
  const all = Promise.all(Array.from({ length: 9 }, (_, n) => feed.read(BigInt(n))));
  await new Promise(setImmediate);
  expect(reads).toEqual([0n, 1n]);
  await all;
  expect(reads).toEqual(Array.from({ length: 9 }, (_, n) => BigInt(n)));
});

it('looks once for all connections, soon after a commit of this process and twice a second for those of others', async () => {
  const world = feedRig();
  const { feed, clock, commit } = world;
  let told = 0;
  const stops = [1, 2, 3].map(() =>
    feed.onChange(() => {
      told += 1;
    }),
  );
  await idle();
  expect([told, world.looks()]).toEqual([3, 1]);
  const after = async (milliseconds: number): Promise<number[]> => {
    clock.advance(milliseconds);
    await idle();
    return [told, world.looks()];
  };
  world.position = 5n;
  commit();
  expect(await after(99)).toEqual([3, 1]);
  expect(await after(1)).toEqual([6, 2]);
  // Nothing new: nobody is told.
  await after(100);
  expect(await after(400)).toEqual([6, 3]);
  world.position = 6n;
  await after(100);
  expect(await after(400)).toEqual([9, 4]);
  for (const stop of stops) stop();
  await after(100);
  await after(400);
  expect(clock.sleepers()).toBe(0);
  expect(world.looks()).toBe(4);
});

it('does not hand out a read that began before what was told of', async () => {
  const world = feedRig();
  const { feed, clock, commit, reads } = world;
  const stop = feed.onChange(() => {});
  await idle();
  const early = feed.read(1n);
  world.position = 2n;
  commit();
  clock.advance(100);
  await new Promise(setImmediate);
  const late = feed.read(1n);
  await Promise.all([early, late]);
  expect(reads).toEqual([1n, 1n]);
  stop();
  clock.advance(500);
  await idle();
});
