import type { CaseEvent, Recorded } from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import { type Codec, UnknownEventError } from '../eventstore/codec.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { Projection, Row } from './projection.ts';
import type { ChangedRows, ParkedCase } from './rowStore.ts';

/** An event of the batch: decoded, or poison. */
export type BatchEvent =
  | { readonly kind: 'event'; readonly event: Recorded<CaseEvent> }
  | { readonly kind: 'poison'; readonly parked: ParkedCase };

/**
 * Decodes the case events of a batch; other streams are left out.
 *
 * @throws UnknownEventError for an event of later code, which stops the projection rather than being poison
 */
export function decodeBatch(codec: Codec, batch: readonly ReadEvent[]): BatchEvent[] {
  return batch
    .filter((event) => caseIdOfStream(event.stream) !== null)
    .map((event) => decodeOne(codec, event));
}

function decodeOne(codec: Codec, event: ReadEvent): BatchEvent {
  try {
    return { kind: 'event', event: codec.decode(event) as Recorded<CaseEvent> };
  } catch (error) {
    if (error instanceof UnknownEventError) throw error;
    return { kind: 'poison', parked: parkedAt(event, 'MALFORMED_EVENT') };
  }
}

/** The keys of the rows that a batch concerns, by projection. */
export function keysOf(
  projections: readonly Projection[],
  batch: readonly BatchEvent[],
): Map<Projection, string[]> {
  return new Map(
    projections.map((projection) => {
      const keys = batch.map((item) => (item.kind === 'event' ? projection.keyOf(item.event) : null));
      return [projection, [...new Set(keys.filter((key) => key !== null))]];
    }),
  );
}

/**
 * Folds a batch into rows. An event that cannot be folded parks its case: this event and all later ones of its stream
 * are left out of every read model, and the rest goes on.
 *
 * @param before rows as they are, by projection and key
 * @param parkedStreams streams that are parked already
 * @returns the rows that changed, and the cases parked now
 */
export function applyBatch(
  projections: readonly Projection[],
  batch: readonly BatchEvent[],
  before: ReadonlyMap<Projection, ReadonlyMap<string, Row>>,
  parkedStreams: ReadonlySet<string>,
): { readonly rows: ChangedRows; readonly parked: readonly ParkedCase[] } {
  const changed = new Map(projections.map((projection) => [projection, new Map<string, Row>()]));
  const parked = new Map<string, ParkedCase>();
  for (const item of batch) {
    const stream = item.kind === 'event' ? item.event.stream : item.parked.stream;
    if (parkedStreams.has(stream) || parked.has(stream)) continue;
    if (item.kind === 'poison') {
      parked.set(stream, item.parked);
      continue;
    }
    const folded = foldEvent(projections, item.event, before, changed);
    if (folded === null) parked.set(stream, parkedAt(item.event, 'FOLD_FAILED'));
    else for (const [projection, key, row] of folded) changed.get(projection)?.set(key, row);
  }
  const rows = [...changed].map(([projection, byKey]) => [projection, [...byKey.values()]] as const);
  return { rows: new Map(rows), parked: [...parked.values()] };
}

function foldEvent(
  projections: readonly Projection[],
  event: Recorded<CaseEvent>,
  before: ReadonlyMap<Projection, ReadonlyMap<string, Row>>,
  changed: ReadonlyMap<Projection, ReadonlyMap<string, Row>>,
): (readonly [Projection, string, Row])[] | null {
  try {
    return projections.flatMap((projection) => {
      const key = projection.keyOf(event);
      if (key === null) return [];
      const row = changed.get(projection)?.get(key) ?? before.get(projection)?.get(key);
      return [[projection, key, projection.evolve(row, event)] as const];
    });
  } catch {
    return null;
  }
}

/** A case parked at an event. */
export const parkedAt = (
  event: Pick<ReadEvent, 'stream' | 'revision' | 'position'>,
  code: string,
): ParkedCase => ({ stream: event.stream, revision: event.revision, position: event.position, code });
