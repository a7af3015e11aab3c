import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import type { VerifiedSeals } from '../../src/replay/verifyLog.ts';
import type { Anchor, AnchorEntry, AnchoredSeal } from '../../src/seals/anchor.ts';
import { newSigningKey } from '../../src/seals/keyFiles.ts';
import { parseSigningKey, parseTrustedKeys, type SigningKey } from '../../src/seals/keys.ts';
import { type SealDependencies, sealNow } from '../../src/seals/sealer.ts';
import { LOG_ID } from '../projections/support.ts';
import { storeOf, verify } from '../replay/support.ts';
import { AT, uuid } from '../support/builders.ts';

export const KEY = parseSigningKey(newSigningKey());
export const OTHER_KEY = parseSigningKey(newSigningKey());

/** The public halves of keys, trusted. */
export const trusting = (...keys: readonly SigningKey[]) =>
  parseTrustedKeys(keys.map(({ publicKey }) => publicKey).join(''));

export type MemoryAnchor = Anchor & { readonly seals: AnchoredSeal[] };

export function memoryAnchor(seals: readonly AnchoredSeal[] = []): MemoryAnchor {
  const kept = [...seals];
  return {
    seals: kept,
    description: 'the anchor',
    last: async () => kept.at(-1) ?? null,
    append: async (seal) => {
      kept.push(seal);
    },
  };
}

let ids = 0;
/** What seals are made with, in a test; positions and ids are told apart from those of events. */
export const sealDependencies = (
  store: EventStore,
  anchor: Anchor | null,
  changes: Partial<SealDependencies> = {},
): SealDependencies => ({
  store,
  logId: LOG_ID,
  actor: { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' },
  key: KEY,
  trusted: trusting(KEY),
  anchor,
  newId: () => uuid(500_000 + ids++),
  clock: { now: () => AT },
  ...changes,
});

/** A log with its seals, and its anchor. */
export type SealedHistory = { readonly log: readonly ReadEvent[]; readonly anchor: readonly AnchoredSeal[] };

/**
 * Writes events into a log once more, sealed after so many of them each time; what is left behind the last seal is not sealed.
 *
 * @param keys in force one after the other, a seal each; the last one stays in force
 */
export async function sealedHistory(
  events: readonly ReadEvent[],
  every: number,
  keys: readonly SigningKey[] = [KEY],
): Promise<SealedHistory> {
  const store = createMemoryEventStore();
  const anchor = memoryAnchor();
  let seals = 0;
  for (const [index, { id, type, data, metadata, stream, revision }] of events.entries()) {
    await store.append(stream, revision - 1, [{ id, type, data, metadata }]);
    if ((index + 1) % every !== 0) continue;
    const key = keys[Math.min(seals, keys.length - 1)] ?? KEY;
    seals += 1;
    await sealNow(sealDependencies(store, anchor, { key, trusted: trusting(...keys) }));
  }
  return { log: await store.readAll(null, 100_000), anchor: anchor.seals };
}

export async function* entriesOf(seals: readonly AnchoredSeal[]): AsyncGenerator<AnchorEntry> {
  for (const seal of seals) yield { kind: 'seal', seal };
}

/** Verifies a log that was sealed with the usual key, or another one. */
export const verifySealed = (
  log: readonly ReadEvent[],
  anchor: readonly AnchoredSeal[] | null,
  changes: Partial<VerifiedSeals> = {},
): Promise<VerificationReport> =>
  verify(storeOf(log), null, null, {
    trusted: trusting(KEY),
    anchor: anchor === null ? null : entriesOf(anchor),
    ...changes,
  });

/** What is wrong with seals, as `stream/revision: what`, without the number of the seal. */
export const sealProblems = ({ mismatches }: VerificationReport): string[] =>
  mismatches
    .filter(({ kind }) => kind === 'SEAL')
    .map(({ stream, revision, detail }) => `${stream}/${revision}: ${detail}`);

export const isSeal = ({ stream }: Pick<ReadEvent, 'stream'>): boolean => stream === SEAL_STREAM;
