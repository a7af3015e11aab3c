import type { ReviewDecided } from '../../../src/domain/events.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Committed, LedgerCase } from './ledger.ts';

/** What somebody was shown of a review: of which revision, under which sources, and the hash that stands for it. */
export type Sight = {
  readonly taskId: string;
  readonly revision: number;
  readonly hash: string;
  readonly policyHash: string;
  readonly playbookHash: string;
  /** Whether what is recommended is paused. */
  readonly paused: boolean;
};

type Approval = Committed & ReviewDecided;

export type Sights = {
  readonly add: (sight: Sight) => void;
  /** What a decision says that it was made on; undefined where nobody was shown that. */
  readonly behind: (decision: On) => Sight | undefined;
  /** The newest one with a hash. */
  readonly withHash: (taskId: string, hash: string) => Sight | undefined;
  /** The approval of one person that waited for that of another at a revision, if it still stood for whoever saw that sight. */
  readonly standingAt: (ledgerCase: LedgerCase, sight: Sight, revision: number) => Approval | null;
};

type On = Pick<ReviewDecided['data'], 'taskId' | 'reviewedHash' | 'reviewedRevision'>;

export function createSights(): Sights {
  const sights = new Map<string, Sight>();
  const keyOf = ({ taskId, reviewedHash, reviewedRevision }: On): string =>
    `${taskId} ${reviewedRevision} ${reviewedHash}`;
  const behind: Sights['behind'] = (decision) => sights.get(keyOf(decision));
  return {
    add: (sight) =>
      void sights.set(keyOf({ ...sight, reviewedHash: sight.hash, reviewedRevision: sight.revision }), sight),
    behind,
    withHash: (taskId, hash) =>
      [...sights.values()].findLast((sight) => sight.taskId === taskId && sight.hash === hash),
    standingAt: ({ events }, sight, revision) => {
      const first = waitingApproval(events, sight.taskId, revision);
      const basis = first && behind(first.data);
      if (!first || !basis || conditionsOf(basis) !== conditionsOf(sight)) return null;
      const isAsItWas =
        substanceAt(events, sight.taskId, basis.revision) === substanceAt(events, sight.taskId, revision);
      return isAsItWas ? first : null;
    },
  };
}

const conditionsOf = ({ policyHash, playbookHash, paused }: Sight): string =>
  `${policyHash} ${playbookHash} ${paused}`;

/** Whatever of any task makes something untrue that was shown of a task of the same case. */
const ACTS: readonly Committed['type'][] = [
  'CaseOpened',
  'CaseNoteAdded',
  'ActionStarted',
  'ActionExecuted',
  'ActionOutcomeResolved',
];
const OF_ITS_OWN: readonly Committed['type'][] = [
  'DecisionRecommended',
  'GuardrailEvaluated',
  'RoutedToManual',
];

/** What a decision about a task rests on, as the case stood at a revision; pauses, sources and approvals apart. */
export function substanceAt(events: readonly Committed[], taskId: string, revision: number): string {
  let state = 'OPEN';
  const happened: number[] = [];
  for (const event of events.slice(0, revision + 1)) {
    if (event.type === 'CaseStateChanged') state = event.data.to;
    const isOwn = 'taskId' in event.data && event.data.taskId === taskId;
    if (ACTS.includes(event.type) || (isOwn && OF_ITS_OWN.includes(event.type)))
      happened.push(event.revision);
  }
  return `${state} ${happened.join(' ')}`;
}

function waitingApproval(events: readonly Committed[], taskId: string, revision: number): Approval | null {
  let first: Approval | null = null;
  for (const event of events.slice(0, revision + 1)) {
    if (!('taskId' in event.data) || event.data.taskId !== taskId) continue;
    if (event.type === 'RoutedToManual') first = null;
    if (event.type !== 'ReviewDecided' || event.data.resolution === 'INFO_REQUESTED') continue;
    first = event.data.awaitsSecond ? event : null;
  }
  return first;
}

/** What is shown of an approval; two that say the same are the same to whoever looks. */
export const approvalText = (approval: Approval | null): string => {
  if (!approval) return 'none';
  const { reviewer, resolution, action, reasonCode, overrides } = approval.data;
  return canonicalJson({ reviewer, resolution, action, reasonCode, overrides });
};
