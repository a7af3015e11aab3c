import type {
  AutomationEvent,
  CaseEvent,
  EventMetadata,
  SourceRegistered,
} from '../../../src/domain/events.ts';
import { AUTOMATION_STREAM, caseIdOfStream } from '../../../src/domain/identifiers.ts';
import { readSignals, type Signals } from '../../../src/domain/signals.ts';
import type { StoredEvent } from '../../../src/eventstore/port.ts';
import { compiledSources } from '../sources.ts';
import type { World } from '../world.ts';
import { apply, type Committed, fold, type LedgerCase, type LedgerTask, newCase } from './ledger.ts';
import { countReached, detailOf } from './reached.ts';
import { checkCase, checkPlace, placeOf } from './streamRules.ts';
import { checkTaskEvent, isTaskEvent } from './taskRules.ts';
import { checkVerdict, type Yardstick } from './verdictRules.ts';

/** Everything that was committed, understood as it comes, and held against the rules at once. */
export type Book = {
  readonly cases: ReadonlyMap<string, LedgerCase>;
  readonly tasks: () => LedgerTask[];
  readonly task: (taskId: string) => LedgerTask | undefined;
  /** The newest position. */
  readonly position: () => bigint;
  /** True time of the newest commit. */
  readonly changedAt: () => number;
  readonly commit: (by: string, append: Appended) => void;
};

/** An append that has just been committed. */
export type Appended = {
  readonly stream: string;
  readonly firstRevision: number;
  readonly events: readonly StoredEvent[];
  readonly positions: readonly bigint[];
  /** When the process sent it, by the true time. */
  readonly sentAt: number;
  /** What the process's wall clock said then. */
  readonly clockSaid: string;
  /** When something had last gone wrong for the process by then, or will have ended to; -1: never. */
  readonly troubledAt: number;
};

/**
 * @param textOf the text of a task in clear
 * @param onEvent told of each event, before it is taken in
 * @param onAutomation told of each pause, and of its end
 */
export function createBook(
  world: World,
  textOf: (task: LedgerTask) => string,
  onEvent: (event: Committed) => void,
  onAutomation: (event: AutomationEvent) => void,
): Book {
  const { timeline, count, tell, violate } = world;
  const cases = new Map<string, LedgerCase>();
  const registered = new Set<string>();
  let appends = 0;
  let position = 0n;
  let changedAt = 0;

  const yardstick: Yardstick = {
    policy: (policyHash, playbookHash) =>
      registered.has(policyHash) && registered.has(playbookHash)
        ? compiledSources(policyHash, playbookHash)
        : null,
    signals: (task) => signalsOf(textOf(task)),
  };

  const take = (ledgerCase: LedgerCase, event: Committed): void => {
    tell(() => `  ${placeOf(event)} ${detailOf(event)}`);
    count(`event/${event.type}`);
    onEvent(event);
    checkPlace(ledgerCase, event, violate);
    if (isTaskEvent(event)) checkTaskEvent(ledgerCase.tasks.get(event.data.taskId), event, violate);
    if (event.type === 'GuardrailEvaluated') checkVerdict(ledgerCase, event, yardstick, violate);
    const before = ledgerCase.last;
    const outcomes = new Map([...ledgerCase.tasks.values()].map(({ taskId, outcome }) => [taskId, outcome]));
    apply(ledgerCase, event);
    checkCase(ledgerCase, event, violate);
    try {
      fold(ledgerCase, event);
    } catch (error) {
      violate('streams are legal', `${placeOf(event)} does not fold: ${String(error)}`);
      return;
    }
    for (const task of ledgerCase.tasks.values()) {
      const settled = outcomes.get(task.taskId);
      if (settled && settled !== task.outcome) violate('an outcome is settled once', placeOf(event));
      compareFold(ledgerCase, task, event);
    }
    countReached(world, ledgerCase, before, event);
  };

  const compareFold = (ledgerCase: LedgerCase, task: LedgerTask, event: Committed): void => {
    const folded = ledgerCase.folded.tasks.get(task.taskId);
    if (folded?.status === task.status && folded.outcome === task.outcome) return;
    violate(
      'the fold says what happened',
      `${placeOf(event)}: ${task.taskId} is ${task.status}/${task.outcome}, folded ${folded?.status}/${folded?.outcome}`,
    );
  };

  return {
    cases,
    tasks: () => [...cases.values()].flatMap((ledgerCase) => [...ledgerCase.tasks.values()]),
    task: (taskId) => cases.get(taskId.split('~')[0] ?? '')?.tasks.get(taskId),
    position: () => position,
    changedAt: () => changedAt,
    commit: (by, { stream, firstRevision, events, positions, ...sent }) => {
      appends += 1;
      position = positions.at(-1) ?? position;
      changedAt = timeline.now();
      tell(() => `${by} appended to ${stream}`);
      const caseId = caseIdOfStream(stream);
      events.forEach((stored, index) => {
        const data = JSON.parse(stored.data) as CaseEvent['data'];
        if (caseId === null) {
          count(`event/${stored.type}`);
          if (stream === AUTOMATION_STREAM)
            onAutomation({ type: stored.type, data } as unknown as AutomationEvent);
          registered.add((data as unknown as SourceRegistered['data']).hash);
          return;
        }
        const ledgerCase = cases.get(caseId) ?? newCase(caseId);
        cases.set(caseId, ledgerCase);
        take(ledgerCase, {
          type: stored.type,
          data,
          id: stored.id,
          caseId,
          revision: firstRevision + index,
          position: positions[index] ?? 0n,
          metadata: JSON.parse(stored.metadata) as EventMetadata,
          at: changedAt,
          ...sent,
          by,
          append: appends,
          left: events.length - 1 - index,
        } as Committed);
      });
    },
  };
}

/** The texts of all seeds are few. */
const knownSignals = new Map<string, Signals>();

function signalsOf(text: string): Signals {
  const signals = knownSignals.get(text) ?? readSignals(text);
  knownSignals.set(text, signals);
  return signals;
}
