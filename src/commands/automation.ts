import {
  type AutomationAnswer,
  type AutomationChange,
  type AutomationState,
  changeAutomation,
  foldAutomation,
  isPaused,
  type PauseNames,
  type PauseTarget,
  pauseAtStart,
  RUNNING,
} from '../domain/automation.ts';
import type { Actor, AutomationEvent, Recorded } from '../domain/events.ts';
import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import { AUTOMATION_STREAM } from '../domain/identifiers.ts';
import { EMPTY_HEAD, type EventLog, type Head, headOf } from '../eventstore/log.ts';
import type { Clock } from '../runtime/clock.ts';
import { atMost } from './atMost.ts';

/** Who pauses or resumes what, why, and the idempotency key that came with it (null without one). */
export type PauseCommand = {
  readonly target: PauseTarget;
  /** A code. */
  readonly reason: string;
  readonly actor: Actor;
  readonly traceparent: string | null;
  readonly sentKey: string | null;
};

/** What holds now; for a repeat, what held when the command was recorded. */
export type AutomationChanged = { readonly answer: AutomationAnswer; readonly replayed: boolean };

/** The kill switch: what of the automation is paused. It is in the log, so all processes of the service share it. */
export type Automation = {
  /**
   * What is paused, read from the log by a read that begins after the call: whatever was answered before the call is in it.
   * Those who ask while a read is under way share the next one.
   *
   * @throws StoreUnavailableError
   */
  readonly current: () => Promise<AutomationState>;
  /** @throws RefusedError IDEMPOTENCY_KEY_REUSED or INVALID_INPUT; StoreUnavailableError */
  readonly pause: (command: PauseCommand) => Promise<AutomationChanged>;
  /** @throws RefusedError IDEMPOTENCY_KEY_REUSED or INVALID_INPUT; StoreUnavailableError */
  readonly resume: (command: PauseCommand) => Promise<AutomationChanged>;
  /**
   * Pauses everything unless that is so already.
   *
   * @throws StoreUnavailableError
   */
  readonly startPaused: (actor: Actor) => Promise<void>;
};

/** What a decision needs to see pauses: `beforehand` reads them, before every try; `paused` tells what that brought. */
export type PausesAsOfNow = {
  readonly beforehand: () => Promise<void>;
  readonly paused: (intent: string, route: string) => boolean;
};

/**
 * The pauses for one change of a case. From the moment that a pause was answered, every verdict for which `beforehand` begins
 * then or later sees it, in every process. What remains is a verdict that had begun before: its append may come after the answer, by
 * as long as its reads and its append take.
 */
export function pausesAsOfNow(automation: Pick<Automation, 'current'>): PausesAsOfNow {
  let state: AutomationState | null = null;
  return {
    beforehand: async () => {
      state = await automation.current();
    },
    paused: (intent, route) => {
      if (!state) throw new Error('what is paused has not been read');
      return isPaused(state, intent, route);
    },
  };
}

/** A read that takes longer does not keep those who wait for the next one: its connection may be dead. */
const READ_APART_MS = 250;

type Folded = { readonly state: AutomationState; readonly head: Head };
const EMPTY: Folded = { state: RUNNING, head: EMPTY_HEAD };

/** @param names intents and backends that can be paused */
export function createAutomation(
  log: EventLog,
  clock: Pick<Clock, 'now' | 'sleep'>,
  names: PauseNames,
): Automation {
  let known = EMPTY;
  let reading: Promise<unknown> | null = null;
  let next: Promise<Folded> | null = null;

  /** Of two looks that overlap the slower one must not make forgotten what the faster one has told. */
  const keep = (folded: Folded): Folded => {
    if (folded.head.revision > known.head.revision) known = folded;
    return known;
  };

  const extend = (folded: Folded, events: readonly Recorded[]): Folded => ({
    state: foldAutomation(folded.state, events as readonly Recorded<AutomationEvent>[]),
    head: events.length === 0 ? folded.head : headOf(events.at(-1)),
  });

  const readTail = async (): Promise<Folded> => {
    const from = known;
    return keep(extend(from, await log.read(AUTOMATION_STREAM, from.head.revision + 1)));
  };

  const begin = (): Promise<Folded> => {
    next = null;
    const read = readTail();
    const ended = read.then(
      () => {},
      () => {},
    );
    reading = ended;
    void ended.then(() => {
      if (reading === ended) reading = null;
    });
    return read;
  };

  const look = (): Promise<Folded> => {
    if (next) return next;
    if (!reading) return begin();
    next = atMost(clock, reading, READ_APART_MS).then(begin);
    return next;
  };

  /** Decides on what is there, and appends at that revision; on a conflict all over again. */
  const change = async <R>(
    context: { readonly actor: Actor; readonly traceparent: string | null },
    decide: (state: AutomationState) => { readonly events: readonly AutomationEvent[]; readonly result: R },
  ): Promise<{ readonly state: AutomationState; readonly result: R }> => {
    for (;;) {
      const { state, head } = await look();
      const { events, result } = decide(state);
      if (events.length === 0) return { state, result };
      const outcome = await log.append(AUTOMATION_STREAM, head, events, {
        ...context,
        correlationId: null,
        causationId: null,
        now: clock.now(),
      });
      if (outcome.kind === 'appended') {
        const changed = extend({ state, head }, outcome.events);
        keep(changed);
        return { state: changed.state, result };
      }
      // Folded anew: whatever was wrong with what is known must not make it conflict for ever.
      known = EMPTY;
    }
  };

  const act = async (
    type: AutomationChange['type'],
    { target, reason, actor, traceparent, sentKey }: PauseCommand,
  ): Promise<AutomationChanged> => {
    const command = commandKey(actor, sentKey, { type, ...target, reason });
    const { state, result } = await change({ actor, traceparent }, (current) => {
      const { events, replayed } = changeAutomation(current, { type, target, reason, command }, names);
      return { events, result: replayed };
    });
    return { answer: result ?? state, replayed: result !== null };
  };

  return {
    current: async () => (await look()).state,
    pause: (command) => act('AutomationPaused', command),
    resume: (command) => act('AutomationResumed', command),
    startPaused: async (actor) => {
      await change({ actor, traceparent: null }, (state) => ({ events: pauseAtStart(state), result: null }));
    },
  };
}

/** Plain hashes: neither a key nor what was asked is personal text. A key is its actor's own. */
const commandKey = ({ authMethod, id }: Actor, sentKey: string | null, request: unknown) =>
  sentKey === null
    ? null
    : {
        keyHash: sha256Hex(canonicalJson([authMethod, id, sentKey])),
        requestHash: sha256Hex(canonicalJson(request)),
      };
