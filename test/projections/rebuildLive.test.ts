import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codec } from '../../src/eventstore/codec.ts';
import { CheckpointMovedError, project } from '../../src/projections/projector.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { opened, received } from '../support/builders.ts';
import { until } from '../support/until.ts';
import { checkpointOf, freshFold, isSpoilt, spoil } from './rebuildSupport.ts';
import {
  closePostgres,
  createRig,
  executedTask,
  MIXED_HISTORY,
  memoryRows,
  postgresRows,
  type Rig,
  type RowsUnderTest,
  rebuildRows,
} from './support.ts';

afterAll(closePostgres);

describe.each([
  ['in memory', memoryRows],
  ['in Postgres', postgresRows],
])('a rebuild beside a live projector, of read models %s', (_name, open) => {
  let rows: RowsUnderTest;
  let rig: Rig;
  let endings: (() => Promise<unknown>)[];

  beforeEach(async () => {
    rows = await open();
    rig = createRig(rows.rowStore);
    endings = [];
  });
  afterEach(async () => {
    for (const end of endings) await end();
  });

  /** A projector as in a service: when the rows were replaced, it starts again. */
  const goLive = (): { readonly positions: bigint[]; readonly restarts: () => number } => {
    const stop = new AbortController();
    const positions: bigint[] = [];
    let restarts = 0;
    const onCommit = (_position: bigint, events: readonly { position: bigint }[]): void => {
      positions.push(...events.map(({ position }) => position));
    };
    const run = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          await project({ ...rig.deps, onCommit }, stop.signal);
        } catch (error) {
          if (!(error instanceof CheckpointMovedError)) throw error;
          restarts += 1;
        }
      }
    };
    const ended = run();
    endings.push(() => {
      stop.abort();
      return ended;
    });
    return { positions, restarts: () => restarts };
  };
  /** Does something over and over, until the function given back is called. */
  const keep = (work: (n: number) => Promise<void>): (() => Promise<void>) => {
    let going = true;
    const run = async (): Promise<void> => {
      for (let n = 1; going; n += 1) await work(n);
    };
    const ended = run();
    const stop = (): Promise<void> => {
      going = false;
      return ended;
    };
    endings.push(stop);
    return stop;
  };
  const caughtUp = (): Promise<unknown> =>
    until('the read models have caught up', async () => {
      return (await rows.rowStore.checkpoint())?.position === (await rig.store.lastPosition());
    });

  it('while events come and are projected gives the rows of a fresh fold, and readers never see fewer', async () => {
    for (let n = 1; n <= 40; n += 1) await rig.append(`C${n}`, opened(), ...executedTask(n));
    await rig.catchUp();
    await spoil(rig, rows);
    const live = goLive();
    const stopAppending = keep(async (n) => {
      await rig.append(`D${n}`, opened(), ...executedTask(1_000 + n));
      await systemClock.sleep(5);
    });
    const seen: (readonly [tasks: number, position: bigint])[] = [];
    const stopReading = keep(async () => {
      // The position first: what it promises must be in what is read after it.
      const { position } = await checkpointOf(rows);
      const tasks = (await rows.dump()).tasks?.length ?? 0;
      seen.push([tasks, position ?? 0n]);
      await systemClock.sleep(1);
    });
    for (let n = 1; n <= 2; n += 1) {
      await rebuildRows(rig, rows);
      expect(await isSpoilt(rows)).toBe(false);
      await until('a row is wrong', () => spoil(rig, rows));
    }
    await rebuildRows(rig, rows);
    const after = (await rig.store.lastPosition()) ?? 0n;
    await until('more is appended', async () => ((await rig.store.lastPosition()) ?? 0n) > after + 20n);
    await stopAppending();
    await caughtUp();
    await stopReading();
    expect(await rows.dump()).toEqual(await freshFold(rig));
    // Nobody was ever told of an event that the rows did not hold, or saw rows vanish.
    const log = await rig.store.readAll(null, 100_000);
    const received = log.filter(({ type }) => type === 'TaskReceived').map(({ position }) => position);
    const missing = seen.filter(
      ([tasks, at]) => tasks < received.filter((position) => position <= at).length,
    );
    expect({ missing, seen: seen.length > 1 }).toEqual({ missing: [], seen: true });
    expect(seen.map(([tasks]) => tasks)).toEqual(seen.map(([tasks]) => tasks).toSorted((a, b) => a - b));
    expect(live.positions).toEqual([...new Set(live.positions)].toSorted((a, b) => Number(a - b)));
    expect(live.positions.at(-1)).toBe(await rig.store.lastPosition());
    expect((await checkpointOf(rows)).generation).toBe(4);
  });

  it('takes in what was projected while it was about to end', async () => {
    for (const [caseId, ...events] of MIXED_HISTORY) await rig.append(caseId, ...events);
    await rig.catchUp();
    await spoil(rig, rows);
    let meanwhile = async (): Promise<void> => {
      await rig.append('late', opened(), ...executedTask(70));
      await rig.catchUp();
    };
    // Whatever it reads is old already: the live projector is always one case ahead.
    const readAll: typeof rig.store.readAll = async (after, limit) => {
      const page = await rig.store.readAll(after, limit);
      const work = meanwhile;
      meanwhile = async () => {};
      await work();
      return page;
    };
    const store = { ...rig.store, readAll };
    await rebuild({ ...rig.deps, store, rowStore: rows.rowStore, clock: systemClock }, () => {});
    expect(await rows.dump()).toEqual(await freshFold(rig));
    expect((await checkpointOf(rows)).position).toBe(await rig.store.lastPosition());
  });

  it('catches up once more when too much is left for the last moment', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    await spoil(rig, rows);
    const swaps: boolean[] = [];
    const watched: typeof rows.rowStore = {
      ...rows.rowStore,
      replacement: async (projections) => {
        const replacement = await rows.rowStore.replacement(projections);
        if (!replacement) return null;
        const swap: typeof replacement.swap = async (...args) => {
          if (swaps.length === 0) {
            await rig.append('B', opened(), ...Array.from({ length: 400 }, (_, n) => received(n)));
            await rig.catchUp();
          }
          const swapped = await replacement.swap(...args);
          swaps.push(swapped);
          return swapped;
        };
        return { ...replacement, swap };
      },
    };
    const { events } = await rebuild({ ...rig.deps, rowStore: watched, clock: systemClock }, () => {});
    expect({ events, swaps }).toEqual({ events: 402, swaps: [false, true] });
    expect(await rows.dump()).toEqual(await freshFold(rig));
  });

  it('brings back a parked case that can be read by now, and the live projector goes on with it', async () => {
    await rig.append('A', opened());
    await rig.append('A', received(1));
    await rig.append('B', opened());
    await rig.appendRaw('B', { type: 'CaseStateChanged', data: '{}' });
    const earlier: typeof codec = {
      ...codec,
      decode: (event) => {
        if (event.type === 'TaskReceived') throw new Error('not readable yet');
        return codec.decode(event);
      },
    };
    await createRig(rows.rowStore, { store: rig.store, codec: earlier }).catchUp();
    const streams = async (): Promise<string[]> => (await rows.rowStore.parked()).map(({ stream }) => stream);
    expect(await streams()).toEqual(['case-A', 'case-B']);

    const live = goLive();
    await rig.append('C', opened());
    await caughtUp();
    const { parked } = await rebuildRows(rig, rows);
    expect(parked).toEqual([
      { stream: 'case-B', revision: 1, position: expect.any(BigInt), code: 'MALFORMED_EVENT' },
    ]);
    expect(await rows.rowStore.parked()).toEqual(parked);
    await rig.append('A', ...executedTask(1).slice(1));
    await rig.appendRaw('B', { type: 'CaseNoteAdded', data: '{"text":{"sealed":"x"},"command":null}' });
    await caughtUp();
    expect(await rows.dump()).toEqual(await freshFold(rig));
    expect((await rows.dump()).tasks).toMatchObject([{ case_id: 'A', outcome: 'AUTO_SUCCESS' }]);
    expect(await rows.rowStore.parked()).toEqual(parked);
    expect(live.restarts()).toBe(1);
  });
});
