import type { Actor } from '../domain/events.ts';
import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { SealedEvent } from '../domain/seal.ts';
import { createEventLog, headOf } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Anchor } from './anchor.ts';
import { catchUp } from './catchUp.ts';
import type { SigningKey, TrustedKeys } from './keys.ts';
import { refuseUntrusted } from './refuseUntrusted.ts';
import { endOf, type RecordedSeal, readBehind, readLastSeal } from './sealedLog.ts';
import { MOST_SEALED, sealEvents } from './statement.ts';

/** What seals are made with. */
export type SealDependencies = {
  readonly store: EventStore;
  readonly logId: string;
  /** Who the log says has sealed it. */
  readonly actor: Actor;
  readonly key: SigningKey;
  /** Keys whose seals are built upon; that of `key` is among them. */
  readonly trusted: TrustedKeys;
  /** Null where seals are kept in the log alone. */
  readonly anchor: Anchor | null;
  readonly newId: () => string;
  readonly clock: Pick<Clock, 'now'>;
};

/** The last seal of the log, and the position where what it covers ends. */
type SealedUpTo = { readonly seal: RecordedSeal; readonly end: bigint };

/**
 * Seals everything that is in the log at the call, and brings the anchor up to the log. Any number of processes may do so at once, and it
 * may be cut off anywhere: what is sealed is decided by the revision that the stream of seals must have.
 *
 * @throws SealAlarmError where the log is not what was sealed: nothing is sealed then
 * @throws StoreUnavailableError, or the file system's error: the next call goes on from there
 */
export async function sealNow(deps: SealDependencies): Promise<void> {
  const until = await deps.store.lastPosition();
  let before = await sealedUpTo(deps);
  for (;;) {
    const { events, end } = await readBehind(deps.store, before?.end ?? null, until, MOST_SEALED);
    if (end === null || (events.length < MOST_SEALED && events.every(isOfSeal))) return;
    before = (await seal(deps, before, events, end)) ?? (await sealedUpTo(deps));
  }
}

/** Seals of seals alone would never end. */
const isOfSeal = ({ stream }: SealedEvent): boolean => stream === SEAL_STREAM;

/**
 * Up to where the log is sealed, with the anchor as far as that.
 *
 * @throws SealAlarmError where the last seal must not be built upon
 */
async function sealedUpTo(deps: SealDependencies): Promise<SealedUpTo | null> {
  const { store, anchor } = deps;
  const anchored = (await anchor?.last()) ?? null;
  const seal = await readLastSeal(store, anchored?.statement.number);
  if (anchor) await catchUp({ ...deps, anchor }, anchored, seal);
  if (!seal) return null;
  refuseUntrusted(deps, seal.data);
  return { seal, end: await endOf(store, seal.data.statement) };
}

/** Null where another process has sealed meanwhile. */
async function seal(
  deps: SealDependencies,
  before: SealedUpTo | null,
  events: readonly SealedEvent[],
  end: bigint,
): Promise<SealedUpTo | null> {
  const { store, logId, actor, key, anchor, newId, clock } = deps;
  const now = clock.now();
  const data = sealEvents(logId, before?.seal.data.statement ?? null, events, now, key);
  const context = { actor, correlationId: null, causationId: null, traceparent: null, now };
  const log = createEventLog(store, newId);
  const result = await log.append(SEAL_STREAM, headOf(before?.seal), [{ type: 'LogSealed', data }], context);
  const [recorded] = result.kind === 'appended' ? result.events : [];
  if (!recorded) return null;
  await anchor?.append({ ...data, leaves: events });
  return { seal: recorded as RecordedSeal, end };
}
