import type { Told } from './dayTold.ts';

type Story = {
  /** Status, outcome, number of attempts. */
  readonly stands: string;
  /** Who asked. */
  readonly asker?: string;
  /** Status in the queue, the queue, and a reviewer's last word; null where nobody was asked. */
  readonly queue: string | null;
  readonly history: readonly string[];
  readonly backend: readonly string[];
};

/** Everybody tells the same. */
const told = ({ stands, asker = 'clerk', queue, history, backend }: Story): Told => ({
  list: stands,
  task: stands,
  live: stands,
  audit: `${stands.split(' ')[1]} for ${asker}`,
  queue,
  liveQueue: queue,
  history: ['CaseOpened by clerk', `TaskReceived by ${asker}`, ...history],
  backend,
});

const attempted = (result: string): string[] => [
  'DecisionRecommended model',
  'GuardrailEvaluated EXECUTE',
  'ActionStarted PARTNER_API 1',
  `ActionExecuted ${result}`,
];
const routed = (queue: string, source = 'model'): string[] => [
  `DecisionRecommended ${source}`,
  'GuardrailEvaluated ROUTE_TO_MANUAL',
  `RoutedToManual ${queue}`,
];
/** A decision that has something done, and what is recorded with it. */
const doneBy = (
  who: string,
  decided: string,
  { overrides = '', backend = 'PARTNER_API', attempt = 1 } = {},
): string[] => [
  `ReviewDecided ${decided}${overrides} by ${who}`,
  `GuardrailEvaluated EXECUTE ${who}${overrides} by ${who}`,
  `ActionStarted ${backend} ${attempt} ${who} by ${who}`,
  'ActionExecuted SUCCEEDED',
];
const CONFIDENCE = { overrides: ' confidence' };
const claimed = (who: string): string => `ReviewClaimed by ${who}`;

/** What everybody has to tell at the end of the day. */
export const EXPECTED: Readonly<Record<string, Told>> = {
  clear: told({
    stands: 'COMPLETED AUTO_SUCCESS 1',
    queue: null,
    history: attempted('SUCCEEDED'),
    backend: ['partner'],
  }),
  'second-try': told({
    stands: 'COMPLETED AUTO_SUCCESS 2',
    queue: null,
    history: [
      ...attempted('FAILED'),
      'RetryScheduled',
      'GuardrailEvaluated EXECUTE',
      'ActionStarted PARTNER_API 2',
      'ActionExecuted SUCCEEDED',
    ],
    backend: ['partner', 'partner'],
  }),
  doubtful: told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations APPROVED ann',
    history: [
      ...routed('operations'),
      claimed('ann'),
      // Once more, when what it needs to be approved was known.
      claimed('ann'),
      ...doneBy('ann', 'APPROVED', CONFIDENCE),
    ],
    backend: ['partner'],
  }),
  risky: told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations APPROVED ben',
    history: [
      ...routed('operations'),
      claimed('ann'),
      'ReviewDecided APPROVED risk by ann',
      claimed('ann'),
      'ReviewReleased by ann',
      claimed('ben'),
      ...doneBy('ben', 'APPROVED', { overrides: ' risk' }),
    ],
    backend: ['partner'],
  }),
  injected: told({
    stands: 'REJECTED MANUAL 0',
    queue: 'CLOSED security REJECTED ann',
    history: [...routed('security'), claimed('ann'), 'ReviewDecided REJECTED by ann'],
    backend: [],
  }),
  refused: told({
    stands: 'COMPLETED AUTO_FAILED 2',
    queue: 'CLOSED failures EDITED ann',
    history: [
      ...attempted('FAILED'),
      'RoutedToManual failures',
      claimed('ann'),
      ...doneBy('ann', 'EDITED', { backend: 'CORE_SYSTEM', attempt: 2 }),
    ],
    backend: ['partner', 'core'],
  }),
  'nothing-done': told({
    stands: 'COMPLETED AUTO_FAILED 2',
    queue: 'CLOSED failures APPROVED ann',
    history: [
      ...attempted('UNKNOWN'),
      'RoutedToManual failures',
      claimed('ann'),
      'ActionOutcomeResolved FAILED REVIEWER by ann',
      claimed('ann'),
      ...doneBy('ann', 'APPROVED', { attempt: 2 }),
    ],
    backend: ['partner', 'partner'],
  }),
  done: told({
    stands: 'COMPLETED AUTO_FAILED 1',
    queue: 'CLOSED failures OUTCOME_RECORDED ann',
    history: [
      ...attempted('UNKNOWN'),
      'RoutedToManual failures',
      claimed('ann'),
      'ActionOutcomeResolved SUCCEEDED REVIEWER by ann',
    ],
    backend: ['partner'],
  }),
  'no-model': told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations EDITED ann',
    history: [
      ...routed('operations', 'fallback'),
      claimed('ann'),
      claimed('ann'),
      ...doneBy('ann', 'EDITED'),
    ],
    backend: ['partner'],
  }),
  question: told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations APPROVED ben',
    history: [
      ...routed('operations'),
      claimed('ann'),
      'ReviewDecided INFO_REQUESTED by ann',
      'CaseNoteAdded by clerk',
      claimed('ben'),
      ...doneBy('ben', 'APPROVED', CONFIDENCE),
    ],
    backend: ['partner'],
  }),
  lunch: told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations APPROVED ben',
    history: [
      ...routed('operations'),
      claimed('ann'),
      claimed('ben'),
      claimed('ben'),
      ...doneBy('ben', 'APPROVED', CONFIDENCE),
    ],
    backend: ['partner'],
  }),
  closed: told({
    stands: 'CANCELLED MANUAL 0',
    queue: 'CLOSED operations - -',
    history: [
      ...routed('operations'),
      claimed('ann'),
      'CaseStateChanged CLOSED by clerk',
      'TaskCancelled by clerk',
    ],
    backend: [],
  }),
  late: told({
    stands: 'IN_REVIEW AUTO_FAILED 1',
    queue: 'CLAIMED supervisors - -',
    history: [
      ...attempted('FAILED'),
      'RoutedToManual failures',
      'ReviewOverdue failures supervisors',
      claimed('ben'),
    ],
    backend: ['partner'],
  }),
  left: told({
    stands: 'IN_REVIEW MANUAL 0',
    queue: 'OPEN operations - -',
    history: routed('operations'),
    backend: [],
  }),
  'anns-own': told({
    stands: 'COMPLETED MANUAL 1',
    asker: 'ann',
    queue: 'CLOSED operations APPROVED ben',
    history: [
      ...routed('operations'),
      claimed('ann'),
      'ReviewReleased by ann',
      claimed('ben'),
      ...doneBy('ben', 'APPROVED', CONFIDENCE),
    ],
    backend: ['partner'],
  }),
  paused: told({
    stands: 'COMPLETED MANUAL 1',
    queue: 'CLOSED operations APPROVED ann',
    history: [...routed('operations'), claimed('ann'), claimed('ann'), ...doneBy('ann', 'APPROVED')],
    backend: ['partner'],
  }),
  after: told({
    stands: 'COMPLETED AUTO_SUCCESS 1',
    queue: null,
    history: attempted('SUCCEEDED'),
    backend: ['partner'],
  }),
};
