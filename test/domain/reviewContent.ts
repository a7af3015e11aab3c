import type { CaseEvent, ReviewDecided } from '../../src/domain/events.ts';
import type { FactsContext } from '../../src/domain/verdicts.ts';
import { taskId } from '../support/builders.ts';

/** What happened, with the id of the event. */
export type Happened = { readonly id: string; readonly event: CaseEvent };

/**
 * What a reviewer is shown of a task as far as a decision rests on it, from the events alone, part by part: nothing here asks the
 * code under test what is relevant.
 */
export type Content = Readonly<Record<Part, string>>;
export const PARTS = [
  'task',
  'opened',
  'state',
  'notes',
  'others',
  'policy',
  'playbook',
  'signals',
  'pause',
  'approval',
] as const;
export type Part = (typeof PARTS)[number];

const text = (value: unknown): string => JSON.stringify(value) ?? '';
const ofTask = (event: CaseEvent, n: number): boolean =>
  'taskId' in event.data && event.data.taskId === taskId(n);
const ATTEMPTS: readonly string[] = ['ActionStarted', 'ActionExecuted', 'ActionOutcomeResolved'];

/** Everything but whether a first approval stands. */
export function contentBelow(log: readonly Happened[], n: number, context: FactsContext): Content {
  const events = log.map(({ event }) => event);
  const own = events.filter((event) => ofTask(event, n) && !event.type.startsWith('Review'));
  const decided = own.find((event) => event.type === 'DecisionRecommended');
  const { intent = '', routeTarget = '' } =
    decided?.type === 'DecisionRecommended' ? decided.data.decision : {};
  const states = events.flatMap((event) => (event.type === 'CaseStateChanged' ? [event.data.to] : []));
  return {
    task: text(own.map((event) => (event.type === 'RoutedToManual' ? event.data.codes : event))),
    opened: text(events.filter(({ type }) => type === 'CaseOpened')),
    state: states.at(-1) ?? 'OPEN',
    notes: text(log.filter(({ event }) => event.type === 'CaseNoteAdded').map(({ id }) => id)),
    others: text(events.filter((event) => ATTEMPTS.includes(event.type) && !ofTask(event, n))),
    policy: context.policy.hash,
    playbook: context.playbook.hash,
    signals: text(context.signals),
    pause: text(context.paused(intent, routeTarget)),
    approval: '',
  };
}

/** The first of two approvals, with what it was given on. */
export type FirstApproval = { readonly data: ReviewDecided['data']; readonly on: Content };

export const differing = (a: Content, b: Content): readonly Part[] =>
  PARTS.filter((part) => a[part] !== b[part]);

/** Everything, with the first approval where all is as it was when it was given. */
export function contentOf(
  log: readonly Happened[],
  n: number,
  context: FactsContext,
  first: FirstApproval | null,
): Content {
  const below = contentBelow(log, n, context);
  if (first === null || differing(first.on, below).length > 0) return below;
  const { reviewer, resolution, action, reasonCode, overrides } = first.data;
  return { ...below, approval: text({ reviewer, resolution, action, reasonCode, overrides }) };
}

/** What a decision leaves of the first approval. */
export function firstAfter(first: FirstApproval | null, event: CaseEvent, on: Content): FirstApproval | null {
  if (event.type === 'RoutedToManual') return null;
  if (event.type !== 'ReviewDecided' || event.data.resolution === 'INFO_REQUESTED') return first;
  return event.data.awaitsSecond ? { data: event.data, on } : null;
}

/** Who has a task, and until when. */
export type Holder = { readonly reviewer: string; readonly until: string };

export function holderAfter(holder: Holder | null, event: CaseEvent): Holder | null {
  switch (event.type) {
    case 'ReviewClaimed':
      return { reviewer: event.data.reviewer, until: event.data.leaseUntil };
    case 'ReviewReleased':
    case 'ReviewDecided':
    case 'RoutedToManual':
      return null;
    default:
      return holder;
  }
}
