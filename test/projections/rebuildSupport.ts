import type { Checkpoint } from '../../src/projections/rowStore.ts';
import { createRig, memoryRows, type Rig, type RowsUnderTest } from './support.ts';

export async function checkpointOf({ rowStore }: RowsUnderTest): Promise<Checkpoint> {
  const found = await rowStore.checkpoint();
  if (!found) throw new Error('no checkpoint');
  return found;
}

/** What a projector makes of the whole log that has never seen a rebuild. */
export async function freshFold({ store }: Rig): Promise<unknown> {
  const fresh = await memoryRows();
  await createRig(fresh.rowStore, { store }).catchUp();
  return fresh.dump();
}

/** Puts a row wrong, so that one can see when the rows have been made anew. Returns false when they moved meanwhile. */
export async function spoil({ deps }: Rig, rows: RowsUnderTest): Promise<boolean> {
  const [cases] = deps.projections;
  const [row] = (await rows.dump()).cases ?? [];
  if (!cases || !row) throw new Error('no row');
  const now = await checkpointOf(rows);
  return rows.rowStore.commit(now, now, new Map([[cases, [{ ...row, priority: 'SPOILT' }]]]), []);
}

export const isSpoilt = async (rows: RowsUnderTest): Promise<boolean> =>
  JSON.stringify((await rows.dump()).cases).includes('SPOILT');
