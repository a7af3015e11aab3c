import type { Attempt } from '../../../src/domain/attempts.ts';
import type { EffectCall, EffectRoute } from '../../support/effectBackend.ts';
import type { Book, Story } from '../book.ts';
import type { Journal } from '../journal.ts';
import type { Stage } from '../stage.ts';

/** A request may reach the backend this much later than it was let go: the harness has other things to do. */
const LATE_MS = 1_000;
const BACKENDS = { partner: 'PARTNER_API', core: 'CORE_SYSTEM' } as const;

type PerRoute = Readonly<Record<EffectRoute, number>>;

export type EffectCounts = {
  readonly calls: PerRoute;
  readonly effects: PerRoute;
  /** Keys that were called more than once. */
  readonly calledAgain: PerRoute;
  readonly lookups: number;
  /** How long after its attempt's deadline a request arrived at the latest, in milliseconds; negative where none did. */
  readonly latestMs: number;
};

/** Every effect was permitted and started before, none happened twice, and outcomes tell the truth. */
export function checkEffects({ backend, journal }: Stage, { stories }: Book): EffectCounts {
  const byKey = Map.groupBy(backend.calls, ({ key }) => key);
  for (const [key, calls] of byKey) {
    const effects = calls.filter(isEffect);
    const [first] = effects;
    if (first && effects.length > 1) {
      const what = `${effects.length} effects for ${key}`;
      journal.violate('no effect twice', `${first.taskId} at ${first.route}`, what);
    }
  }
  for (const story of stories.values()) {
    const key = story.task.attempts[0]?.started.idempotencyKey ?? '';
    const problem = untruth(story, (byKey.get(key) ?? []).filter(isEffect).length);
    if (problem !== null) journal.violate('outcomes tell the truth', story.task.taskId, problem);
  }
  const lateness = backend.calls.map((call) => checkCall(call, stories.get(call.taskId), journal));
  const count = (calls: readonly EffectCall[]): PerRoute => {
    const partner = calls.filter(({ route }) => route === 'partner').length;
    return { partner, core: calls.length - partner };
  };
  return {
    calls: count(backend.calls),
    effects: count(backend.calls.filter(isEffect)),
    calledAgain: count([...byKey.values()].flatMap(([, second]) => second ?? [])),
    lookups: [...backend.lookups.values()].reduce((sum, times) => sum + times.length, 0),
    latestMs: lateness.reduce((most, late) => Math.max(most, late), Number.NEGATIVE_INFINITY),
  };
}

const isEffect = ({ effectAt }: EffectCall): boolean => effectAt !== null;

/** A call must belong to an attempt that had been started before, and come before its deadline. Returns how late it was, in milliseconds. */
function checkCall(call: EffectCall, story: Story | undefined, journal: Journal): number {
  const { key, taskId, route, at } = call;
  const attempt = story && attemptBehind(story, call);
  if (!attempt) {
    journal.violate('no effect without ActionStarted', `${taskId} at ${route}`, `a call with the key ${key}`);
    return Number.NEGATIVE_INFINITY;
  }
  const lateMs = at - Date.parse(attempt.started.deadlineAt);
  if (lateMs > LATE_MS) {
    journal.violate('nothing is sent after the deadline', `${taskId} at ${route}`, `${lateMs} ms after it`);
  }
  return lateMs;
}

/** The newest attempt that had been started when a call with its key arrived at its backend. */
const attemptBehind = ({ task }: Story, { key, route, at }: EffectCall): Attempt | undefined =>
  task.attempts.findLast(
    ({ started, startedAt }) =>
      started.idempotencyKey === key && started.backend === BACKENDS[route] && Date.parse(startedAt) <= at,
  );

function untruth({ task }: Story, effects: number): string | null {
  switch (task.outcome) {
    case 'AUTO_SUCCESS':
      return effects === 1 ? null : `AUTO_SUCCESS with ${effects} effects`;
    case 'AUTO_FAILED':
      if (effects === 0 || task.manual?.codes.includes('ACTION_OUTCOME_UNKNOWN')) return null;
      return 'it was done, and its person is not told that this may be so';
    case 'MANUAL':
      return task.attempts.length === 0 && effects === 0 ? null : 'MANUAL after an attempt';
    case null:
      return null;
  }
}
