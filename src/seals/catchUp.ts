import { SealAlarmError } from './alarm.ts';
import type { Anchor, AnchoredSeal } from './anchor.ts';
import type { TrustedKeys } from './keys.ts';
import { refuseUntrusted } from './refuseUntrusted.ts';
import { endOf, type RecordedSeal, readBehind, readSeal, type SealedLog } from './sealedLog.ts';
import { isSameSeal, rootOf, type Seal, statementHash } from './statement.ts';

type CatchUpDependencies = {
  readonly store: SealedLog;
  readonly anchor: Anchor;
  readonly trusted: TrustedKeys;
  readonly logId: string;
};

/**
 * Writes to the anchor what it lacks: a crash came between, another process has sealed, or the anchor is new. Only what is as it was
 * sealed is written.
 *
 * @param anchored the last seal of the anchor
 * @param last the last seal of the log
 * @throws SealAlarmError where the log is not what was sealed
 */
export async function catchUp(
  deps: CatchUpDependencies,
  anchored: AnchoredSeal | null,
  last: RecordedSeal | null,
): Promise<void> {
  let before: Seal | null = await sameInLog(deps, anchored);
  const from = anchored ? anchored.statement.number + 1 : 0;
  for (let number = from; number <= (last?.revision ?? -1); number += 1) {
    const recorded = await readSeal(deps.store, number);
    if (!recorded) throw notAsSealed(`seal ${number} of the log is gone`);
    await deps.anchor.append(await withLeaves(deps, before, recorded.data));
    before = recorded.data;
  }
}

/** The anchor's last seal, which the log must have too. */
async function sameInLog(
  { store, anchor }: CatchUpDependencies,
  anchored: AnchoredSeal | null,
): Promise<Seal | null> {
  if (!anchored) return null;
  const { statement, signature } = anchored;
  const recorded = await readSeal(store, statement.number);
  if (recorded && isSameSeal(recorded.data, { statement, signature })) return { statement, signature };
  throw new SealAlarmError(
    'ANCHORED_SEAL_NOT_IN_LOG',
    `the last seal in ${anchor.description}, number ${statement.number}, is not in the log: the log was cut, changed or replaced`,
  );
}

/** A seal of the log with what it covers, read again. */
async function withLeaves(deps: CatchUpDependencies, before: Seal | null, seal: Seal): Promise<AnchoredSeal> {
  refuseUntrusted(deps, seal);
  const { number, count, root, previous, start } = seal.statement;
  const follows = before
    ? previous === statementHash(before.statement) &&
      start === before.statement.start + before.statement.count
    : previous === null && start === 0;
  if (!follows) throw notAsSealed(`seal ${number} does not follow the one before it`);
  const after = before ? await endOf(deps.store, before.statement) : null;
  const { events } = await readBehind(deps.store, after, null, count);
  if (events.length < count || rootOf(events) !== root)
    throw notAsSealed(`what seal ${number} covers is not what was sealed`);
  return { ...seal, leaves: events };
}

const notAsSealed = (message: string): SealAlarmError =>
  new SealAlarmError('LOG_NOT_AS_SEALED', `${message}; run npm run verify to see where`);
