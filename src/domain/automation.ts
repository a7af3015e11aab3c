import type { AutomationEvent, CommandKey, Recorded } from './events.ts';
import { isSameRequest } from './idempotency.ts';
import { RefusedError } from './refusal.ts';
import type { PauseScope } from './vocabulary.ts';

/** What is paused or resumed: everything (no name), one intent, or one backend. */
export type PauseTarget = { readonly scope: PauseScope; readonly name: string | null };

/** A pause that holds. Who and why are those of its first event: pausing again what is paused changes nothing. */
export type Pause = PauseTarget & {
  /** ISO 8601. */
  readonly since: string;
  /** The actor's id. */
  readonly by: string;
  /** A code. */
  readonly reason: string;
};

/** What held right after a command, kept for its repeats. */
export type AutomationAnswer = {
  readonly pauses: readonly Pause[];
  /** Of the stream; -1 before its first event. */
  readonly revision: number;
  readonly position: bigint;
};

/** Which pauses hold, as the stream `automation` says. */
export type AutomationState = AutomationAnswer & {
  /** Those of commands that came with an idempotency key, by the key's hash. */
  readonly commands: ReadonlyMap<string, { readonly requestHash: string; readonly answer: AutomationAnswer }>;
};

/** Everything runs: before the first event. */
export const RUNNING: AutomationState = { pauses: [], revision: -1, position: -1n, commands: new Map() };

/** Folds recorded events of the stream, in order. */
export const foldAutomation = (
  start: AutomationState,
  events: readonly Recorded<AutomationEvent>[],
): AutomationState => events.reduce(evolve, start);

function evolve(current: AutomationState, event: Recorded<AutomationEvent>): AutomationState {
  const { command } = event.data;
  const { revision, position } = event;
  const answer = { pauses: pausesAfter(current.pauses, event), revision, position };
  const { commands } = current;
  return {
    ...answer,
    commands: command
      ? new Map(commands).set(command.keyHash, { requestHash: command.requestHash, answer })
      : commands,
  };
}

function pausesAfter(pauses: readonly Pause[], event: Recorded<AutomationEvent>): readonly Pause[] {
  const { scope, name, reason } = event.data;
  const held = pauseOf(pauses, { scope, name });
  if (event.type === 'AutomationResumed') return held ? pauses.filter((pause) => pause !== held) : pauses;
  if (held) return pauses;
  const { recordedAt, actor } = event.metadata;
  return [...pauses, { scope, name, since: recordedAt, by: actor.id, reason }];
}

/** The pause of exactly this target; undefined where there is none, though a wider one may hold. */
const pauseOf = (pauses: readonly Pause[], { scope, name }: PauseTarget): Pause | undefined =>
  pauses.find((pause) => pause.scope === scope && pause.name === name);

/** Whether nothing may be started for an intent over a route: a pause of everything, of the intent, or of the backend. */
export const isPaused = ({ pauses }: AutomationState, intent: string, route: string): boolean =>
  pauses.some(
    ({ scope, name }) =>
      scope === 'ALL' || (scope === 'INTENT' && name === intent) || (scope === 'BACKEND' && name === route),
  );

/** Names that a pause may have, by its scope. */
export type PauseNames = { readonly INTENT: readonly string[]; readonly BACKEND: readonly string[] };

/** What a command leads to: an event to append, if any; `replayed` is the recorded answer, where the command came before. */
export type AutomationDecided = {
  readonly events: readonly AutomationEvent[];
  readonly replayed: AutomationAnswer | null;
};

/** A command on the automation. */
export type AutomationChange = {
  readonly type: AutomationEvent['type'];
  readonly target: PauseTarget;
  readonly reason: string;
  readonly command: CommandKey | null;
};

/**
 * Pauses or resumes. What is so already needs no event, unless the command has an idempotency key: only what is recorded can be
 * recognised as a repeat, and a late repeat of an old resume must not end a newer pause.
 *
 * @param names intents and backends that the playbook has
 * @throws RefusedError IDEMPOTENCY_KEY_REUSED, or INVALID_INPUT naming the field
 */
export function changeAutomation(
  current: AutomationState,
  { type, target, reason, command }: AutomationChange,
  names: PauseNames,
): AutomationDecided {
  const recorded = command ? current.commands.get(command.keyHash) : undefined;
  if (isSameRequest(recorded, command)) return { events: [], replayed: recorded.answer };
  mustBeKnown(current, target, names);
  const isSo = (pauseOf(current.pauses, target) !== undefined) === (type === 'AutomationPaused');
  const event: AutomationEvent = { type, data: { ...target, reason, command } };
  return { events: isSo && !command ? [] : [event], replayed: null };
}

/**
 * A pause of everything, for a process that is to start paused; nothing where everything is paused already.
 */
export const pauseAtStart = (current: AutomationState): readonly AutomationEvent[] =>
  changeAutomation(current, PAUSE_AT_START, { INTENT: [], BACKEND: [] }).events;

const PAUSE_AT_START: AutomationChange = {
  type: 'AutomationPaused',
  target: { scope: 'ALL', name: null },
  reason: 'STARTED_PAUSED',
  command: null,
};

/** A pause that holds can always be ended, also when the playbook does not have its name any more. */
function mustBeKnown(current: AutomationState, target: PauseTarget, names: PauseNames): void {
  const { scope, name } = target;
  if (scope === 'ALL') {
    if (name === null) return;
    throw new RefusedError('INVALID_INPUT', 'must be left out with scope ALL', 'name');
  }
  const known = names[scope];
  if (name !== null && (known.includes(name) || pauseOf(current.pauses, target))) return;
  const fix = `must be one of ${known.join(', ')}`;
  throw new RefusedError('INVALID_INPUT', name === null ? `is missing; it ${fix}` : fix, 'name');
}
