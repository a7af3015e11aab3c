import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointMovedError, projectBatch } from '../../src/projections/projector.ts';
import { RebuildOvertakenError, RebuildRunningError, rebuild } from '../../src/projections/rebuild.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { opened, received, stateChanged } from '../support/builders.ts';
import { checkpointOf, isSpoilt, spoil } from './rebuildSupport.ts';
import {
  closePostgres,
  createRig,
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
])('a rebuild of read models %s', (_name, open) => {
  let rows: RowsUnderTest;
  let rig: Rig;

  beforeEach(async () => {
    rows = await open();
    rig = createRig(rows.rowStore);
  });

  it('is refused while another one is at work, which goes on', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    await spoil(rig, rows);
    const others: Promise<unknown>[] = [];
    await rebuildRows(rig, rows, () => {
      others.push(rebuildRows(rig, rows).catch((error: unknown) => error));
    });
    expect(others).not.toHaveLength(0);
    expect(await others[0]).toBeInstanceOf(RebuildRunningError);
    expect(await isSpoilt(rows)).toBe(false);
    expect(await rebuildRows(rig, rows)).toEqual({ events: 1, parked: [] });
  });

  it('leaves the old rows when it fails, and the next one succeeds', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const before = { dump: await rows.dump(), checkpoint: await checkpointOf(rows) };
    const readAll = (): Promise<never> => Promise.reject(new Error('power cut'));
    const failing = { ...rig.deps, store: { ...rig.store, readAll }, rowStore: rows.rowStore };
    await expect(rebuild({ ...failing, clock: systemClock }, () => {})).rejects.toThrow('power cut');
    expect({ dump: await rows.dump(), checkpoint: await checkpointOf(rows) }).toEqual(before);
    expect(await rebuildRows(rig, rows)).toEqual({ events: 1, parked: [] });
  });

  it('stops every projector that still goes on from the old rows, also when it stands where the new ones do', async () => {
    await rig.append('A', opened());
    await rig.append('B', opened());
    await rig.catchUp();
    const old = await checkpointOf(rows);
    await rebuildRows(rig, rows);
    expect(await checkpointOf(rows)).toEqual({ ...old, generation: old.generation + 1 });
    await rig.append('A', received(1));
    const batch = await rig.store.readAll(old.position, 10);
    await expect(projectBatch(rig.deps, old, batch, new Set())).rejects.toThrow(CheckpointMovedError);
    expect((await rows.dump()).tasks).toEqual([]);
    await projectBatch(rig.deps, await checkpointOf(rows), batch, new Set());
    expect((await rows.dump()).tasks).toHaveLength(1);
  });

  it('of a log that was restored to an earlier moment leaves out what that no longer holds', async () => {
    await rig.append('A', opened());
    await rig.append('A', received(1));
    await rig.catchUp();
    const restored = createRig(rows.rowStore);
    await restored.append('A', opened());
    await rebuildRows(restored, rows);
    expect(await rows.dump()).toMatchObject({ cases: [{ case_id: 'A', revision: 0 }], tasks: [] });
    expect((await checkpointOf(rows)).position).toBe(await restored.store.lastPosition());
  });

  it('makes them anew from another log', async () => {
    await rig.append('A', opened());
    await rig.append('A', stateChanged('CLOSED'));
    await rig.catchUp();
    const logId = '019b0000-0000-7000-8000-00000000beef';
    const other = createRig(rows.rowStore, { logId });
    await other.append('B', opened());
    await rebuildRows(other, rows);
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'B' }]);
    expect(await checkpointOf(rows)).toMatchObject({ logId, position: await other.store.lastPosition() });
  });

  it('replaces nothing when another version has made the rows anew since it began', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const newer = createRig(rows.rowStore, { store: rig.store, fingerprint: 'newer' });
    const overtaken = rebuild(
      {
        ...rig.deps,
        store: {
          ...rig.store,
          lastPosition: async () => {
            await newer.append('B', opened());
            await newer.catchUp();
            return rig.store.lastPosition();
          },
        },
        rowStore: rows.rowStore,
        clock: systemClock,
      },
      () => {},
    );
    await expect(overtaken).rejects.toThrow(RebuildOvertakenError);
    expect((await rows.dump()).cases).toHaveLength(2);
    expect(await checkpointOf(rows)).toMatchObject({ fingerprint: 'newer' });
  });
});

describe('a swap in memory', () => {
  it('does nothing when the old rows moved meanwhile', async () => {
    const { rowStore, dump } = await memoryRows();
    const rig = createRig(rowStore);
    await rig.append('A', opened());
    await rig.catchUp();
    const { projections, logId, fingerprint } = rig.deps;
    const replacement = await rowStore.replacement(projections);
    const start = await replacement?.rows.reset(projections, { logId, fingerprint }, null);
    const swapped = await replacement?.swap(async () => {
      await rig.append('B', opened());
      await rig.catchUp();
      return start ?? null;
    }, 0);
    expect(swapped).toBe(false);
    expect((await dump()).cases).toHaveLength(2);
  });
});
