import { caseIdOfStream, SEAL_STREAM } from '../domain/identifiers.ts';
import type { Codec } from '../eventstore/codec.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { Projection } from '../projections/projection.ts';
import type { ReadKeys } from '../projections/rowKeys.ts';
import type { RowStore } from '../projections/rowStore.ts';
import type { Clock } from '../runtime/clock.ts';
import type { TrustedKeys } from '../seals/keys.ts';
import { type KeyExists, verifyErasure } from './erasures.ts';
import { findExtraRows } from './extraRows.ts';
import { createFindings, type Findings } from './findings.ts';
import { verifyOther } from './otherStreams.ts';
import { verifyPlaces } from './places.ts';
import { createPolicies } from './policies.ts';
import { decodeAll, type LogReader } from './readEvents.ts';
import { createRowCheck, type RowCheck } from './readModels.ts';
import type { VerificationReport } from './report.ts';
import type { AnchorEntries } from './sealSources.ts';
import { createSealCheck } from './seals.ts';
import { verifyCase } from './verifyCase.ts';
import { type WalkedStream, walkLog } from './walk.ts';

/** Read models to be compared with the log. */
export type VerifiedRows = {
  readonly rowStore: Pick<RowStore, 'checkpoint' | 'read'>;
  readonly readKeys: ReadKeys;
  readonly projections: readonly Projection[];
  /** Of this version and this store. */
  readonly fingerprint: string;
};

/** What seals are verified with. */
export type VerifiedSeals = {
  /** Keys whose signatures are believed; empty where none is known. */
  readonly trusted: TrustedKeys;
  readonly anchor: AnchorEntries;
};

export type VerifyDependencies = {
  readonly store: LogReader;
  readonly codec: Codec;
  /** Null where the log does not say. */
  readonly logId: string | null;
  /** Null where only the log is to be verified. */
  readonly readModels: VerifiedRows | null;
  /** Null where no keys are to be asked for. */
  readonly keyExists: KeyExists | null;
  readonly seals: VerifiedSeals;
  readonly clock: Clock;
};

/** How far a verification has got. */
export type VerifyProgress = { readonly events: number; readonly position: bigint; readonly end: bigint };

/**
 * Verifies a whole log, and the read models made of it. Reads only, beside whatever runs, in memory that does not grow with the log.
 *
 * @throws what store and database throw: then nothing is said
 */
export async function verifyLog(
  deps: VerifyDependencies,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerificationReport> {
  const { store, clock, logId } = deps;
  const startedAt = clock.now();
  const start = clock.monotonicMs();
  const findings = createFindings();
  const end = await store.lastPosition();
  const rows = await startRows(deps, findings, end === null);
  const counted = { cases: 0, verdicts: 0 };
  const policies = createPolicies(store, deps.codec);
  const seals = createSealCheck({ ...deps, ...deps.seals, findings, end: end ?? -1n });

  const onStream = async ({ stream, events, all }: WalkedStream): Promise<void> => {
    verifyPlaces(events, findings);
    const decoded = decodeAll(deps.codec, all);
    const upToEnd = decoded.filter(({ raw }) => end !== null && raw.position <= end);
    const caseId = caseIdOfStream(stream);
    if (caseId === null) return verifyOther(stream, upToEnd, findings);
    counted.cases += 1;
    const isCut = all.length > events.length;
    counted.verdicts += await verifyCase(caseId, upToEnd, isCut, policies, findings);
    await verifyErasure(caseId, upToEnd, deps, findings);
    await rows?.check.add(stream, decoded);
  };
  const onSeals = (part: readonly ReadEvent[], before: ReadEvent | null): void => {
    verifyPlaces(part, findings, before);
    verifyOther(SEAL_STREAM, decodeAll(deps.codec, part), findings);
  };
  const onWalk = (events: number, position: bigint): void =>
    onProgress({ events, position, end: end ?? position });
  const walked =
    end === null
      ? { events: 0, streams: 0 }
      : await walkLog({ store, findings, onStream, onSeals, onPage: seals.add, onProgress: onWalk }, end);
  const sealsReport = await seals.finish();
  if (rows) {
    await rows.check.finish();
    await findExtraRows({ ...deps, findings }, rows.readKeys, rows.check.expectedKeys);
  }

  const durationMs = Math.max(1, Math.round(clock.monotonicMs() - start));
  return {
    logId,
    startedAt,
    finishedAt: clock.now(),
    durationMs,
    eventsPerSecond: Math.round((walked.events * 1_000) / durationMs),
    upTo: end === null ? null : String(end),
    readModelsUpTo: rows?.position ?? null,
    ...walked,
    ...counted,
    rows: rows?.check.compared() ?? 0,
    seals: sealsReport,
    ...findings.summary(),
  };
}

type RowsToCheck = {
  readonly check: RowCheck;
  readonly readKeys: ReadKeys;
  readonly position: string | null;
};

/** Null where there are no rows that this version's fold can be held against, which is told. */
async function startRows(
  deps: VerifyDependencies,
  findings: Findings,
  isEmpty: boolean,
): Promise<RowsToCheck | null> {
  const { readModels } = deps;
  if (!readModels) return null;
  const { rowStore, readKeys, projections, fingerprint } = readModels;
  const checkpoint = await rowStore.checkpoint();
  if (!checkpoint && isEmpty) return null;
  const unusable = !checkpoint
    ? 'READ_MODELS_MISSING'
    : checkpoint.fingerprint === fingerprint
      ? null
      : 'READ_MODELS_OF_ANOTHER_VERSION';
  if (unusable !== null) findings.notReplayed(unusable, { stream: '', revision: null });
  if (!checkpoint || unusable !== null) return null;
  const check = createRowCheck({ ...deps, rowStore, projections, findings }, checkpoint);
  return { check, readKeys, position: checkpoint.position === null ? null : String(checkpoint.position) };
}
