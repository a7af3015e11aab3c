import type { EventStore } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { SealReading } from '../runtime/metrics.ts';
import { endOf, readLastSeal } from './sealedLog.ts';

/**
 * What can be read off a log about its seals: a few reads, however many there are.
 *
 * @returns a function that reads; it rejects where the last seal is not to be found as it was made
 */
export function createSealReadings(
  store: Pick<EventStore, 'readAll' | 'readStream' | 'lastPosition'>,
  clock: Pick<Clock, 'now'>,
): () => Promise<Omit<SealReading, 'alarm'>> {
  let known = 0;
  return async () => {
    const seal = await readLastSeal(store, known);
    const end = seal ? await endOf(store, seal.data.statement) : 0n;
    known = seal?.revision ?? 0;
    return {
      number: seal?.revision ?? null,
      ageSeconds: seal ? (Date.parse(clock.now()) - Date.parse(seal.data.statement.sealedAt)) / 1_000 : null,
      unsealedPositions: Number(((await store.lastPosition()) ?? 0n) - end),
    };
  };
}
