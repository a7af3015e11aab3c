import type { EventStore } from '../eventstore/port.ts';
import { type ProjectorDependencies, projectBatch, startOfLog } from './projector.ts';
import type { ParkedCase } from './rowStore.ts';

export type RebuildProgress = { readonly events: number; readonly position: bigint; readonly end: bigint };

const PAGE = 1_000;

/**
 * Drops all read models and makes them anew from the log, up to where it ended at the start. The caller makes sure that
 * no other process projects meanwhile.
 *
 * @param onProgress told after each batch
 * @returns events read, and cases that had to be parked
 */
export async function rebuild(
  deps: ProjectorDependencies & { readonly store: Pick<EventStore, 'readAll' | 'lastPosition'> },
  onProgress: (progress: RebuildProgress) => void,
): Promise<{ readonly events: number; readonly parked: readonly ParkedCase[] }> {
  const { rowStore, projections, store } = deps;
  await rowStore.prepare(projections);
  let checkpoint = startOfLog(deps);
  await rowStore.reset(projections, checkpoint);
  const end = await store.lastPosition();
  const parkedStreams = new Set<string>();
  let events = 0;
  while (end !== null && (checkpoint.position ?? -1n) < end) {
    const batch = await store.readAll(checkpoint.position, PAGE);
    if (batch.length === 0) break;
    checkpoint = await projectBatch(deps, checkpoint, batch, parkedStreams);
    events += batch.length;
    onProgress({ events, position: checkpoint.position ?? 0n, end });
  }
  return { events, parked: await rowStore.parked() };
}
