import { readFileSync } from 'node:fs';
import { canonicalJson } from '../../src/domain/hash.ts';
import { link, type UnsealedMetadata } from '../../src/eventstore/chain.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { ReadEvent, StoredEvent } from '../../src/eventstore/port.ts';
import type { KeyExists } from '../../src/replay/erasures.ts';
import type { LogReader } from '../../src/replay/readEvents.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import { type VerifiedRows, type VerifiedSeals, verifyLog } from '../../src/replay/verifyLog.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { LOG_ID } from '../projections/support.ts';

/** A store that holds these events and does not care what they are, as a superuser's SQL would leave one. */
export function storeOf(events: readonly ReadEvent[], inStreams: readonly ReadEvent[] = events): LogReader {
  const byPosition = events.toSorted((a, b) => Number(a.position - b.position));
  const streams = Map.groupBy(
    inStreams.toSorted((a, b) => a.revision - b.revision),
    ({ stream }) => stream,
  );
  return {
    kind: 'memory',
    readAll: async (after, limit) =>
      byPosition.filter(({ position }) => position > (after ?? -1n)).slice(0, limit),
    readStream: async (stream, from, limit) =>
      (streams.get(stream) ?? []).filter(({ revision }) => revision >= from).slice(0, limit),
    lastPosition: async () => byPosition.at(-1)?.position ?? null,
  };
}

/** Verifies a log, and read models if there are some. */
export const verify = (
  store: LogReader,
  readModels: VerifiedRows | null = null,
  keyExists: KeyExists | null = null,
  seals: VerifiedSeals = NO_SEALS,
): Promise<VerificationReport> =>
  verifyLog({ store, codec, logId: LOG_ID, readModels, keyExists, seals, clock: unhurried }, () => {});

const NO_SEALS: VerifiedSeals = { trusted: new Map(), anchor: null };

/** Pauses between two looks pass at once. */
const unhurried = { ...systemClock, sleep: async () => {} };

/** What is wrong with rows, as `table key column: detail`. */
export const rowsOf = ({ mismatches }: VerificationReport): string[] =>
  mismatches.map(({ row, detail }) => `${row?.table} ${row?.key} ${row?.column}: ${detail}`);

/** What was found, as `KIND stream/revision`. */
export const placesOf = ({ mismatches }: VerificationReport): string[] =>
  mismatches.map(({ kind, stream, revision }) => `${kind} ${stream}/${revision}`);

type GoldenLog = { readonly events: readonly (StoredEvent & Pick<ReadEvent, 'stream' | 'revision'>)[] };

/** The log that a version of the service has left. */
export function goldenLog(version: string): ReadEvent[] {
  const file = new URL(`../system/goldenLogs/${version}.json`, import.meta.url);
  const { events } = JSON.parse(readFileSync(file, 'utf8')) as GoldenLog;
  return events.map((event, index) => ({ ...event, position: BigInt(index + 1) }));
}

export type Change = { readonly data?: object; readonly metadata?: object; readonly type?: string };

/** An event with other texts, its hash left as it was. */
export const changed = (
  event: ReadEvent,
  { data = {}, metadata = {}, type = event.type }: Change,
): ReadEvent => ({
  ...event,
  type,
  data: canonicalJson({ ...JSON.parse(event.data), ...data }),
  metadata: canonicalJson({ ...JSON.parse(event.metadata), ...metadata }),
});

/** A stream numbered and chained anew, from its first event to its last: what a careful forger does. */
export function rechained(events: readonly ReadEvent[]): ReadEvent[] {
  let prevHash: string | null = null;
  return events.map((event, revision) => {
    const { hash: _, ...metadata } = JSON.parse(event.metadata) as UnsealedMetadata & { hash: string };
    const linked = link(event.stream, revision, event, { ...metadata, prevHash });
    prevHash = linked.hash;
    return { ...event, ...linked.stored, revision };
  });
}

/** One event whose hash is computed anew, and those behind it left as they are. */
export function rehashed(event: ReadEvent): ReadEvent {
  const { hash: _, ...metadata } = JSON.parse(event.metadata) as UnsealedMetadata & { hash: string };
  return { ...event, ...link(event.stream, event.revision, event, metadata).stored };
}
