import type { AutomationEvent, GuardrailEvaluated } from '../../../src/domain/events.ts';
import type { World } from '../world.ts';
import type { Committed } from './ledger.ts';
import { placeOf } from './streamRules.ts';

/** What holds of pauses, as the simulation understands them, apart from what the service makes of them. */
export type AutomationRules = {
  /** Takes in a change of the automation that has just been committed. */
  readonly changed: (event: AutomationEvent) => void;
  /** Holds a verdict that has just been committed against the pauses of then. */
  readonly judged: (verdict: Committed & GuardrailEvaluated) => void;
};

/** What is paused from a moment on, by the true time, until the next entry. */
type Entry = { readonly from: number; readonly paused: ReadonlySet<string> };

/** A read under way is waited for no longer than this, see src/commands/automation.ts. */
const READ_APART_MS = 250;
/** A call there and back, one after the other: the read of the pauses, and a look for appends without an answer. */
const CALLS_TO_DECIDE = 2 * 2;
const CODE = 'AUTOMATION_PAUSED';

/** @param callMs how long a way to or from a shared part takes at most */
export function createAutomationRules({ timeline, violate }: World, callMs: number): AutomationRules {
  const history: Entry[] = [{ from: 0, paused: new Set() }];
  const keys = new Set<string>();

  /** Everything that was so at some moment of a time, its two ends included. */
  const between = (first: number, last: number): Entry[] =>
    history.filter(({ from }, index) => from <= last && (history[index + 1]?.from ?? last) >= first);

  return {
    changed: ({ type, data: { scope, name, command } }) => {
      const paused = new Set(history.at(-1)?.paused);
      if (type === 'AutomationPaused') paused.add(targetOf(scope, name));
      else paused.delete(targetOf(scope, name));
      history.push({ from: timeline.now(), paused });
      if (!command) return;
      if (keys.has(command.keyHash)) violate('a key acts once', `${type} of ${targetOf(scope, name)} again`);
      keys.add(command.keyHash);
    },
    judged: (verdict) => {
      const { verdict: kind, guardrails, facts } = verdict.data;
      const { intent, routeTarget } = facts.decision;
      const { paused } = facts.automation;
      const codes = guardrails.filter(({ passed }) => !passed).map(({ code }) => code);
      if (codes.includes(CODE) !== paused || (paused && kind !== 'ROUTE_TO_MANUAL')) {
        violate('nothing starts while paused', `${placeOf(verdict)}: ${kind} for ${codes.join(' ')}`);
      }
      // Without troubles a process decides within this time; what it has read is of then, or later.
      const begun = verdict.sentAt - READ_APART_MS - CALLS_TO_DECIDE * callMs;
      if (verdict.troubledAt >= begun) return;
      const seen = between(begun, verdict.sentAt).map((entry) => applies(entry.paused, intent, routeTarget));
      if (seen.includes(paused)) return;
      violate(
        paused ? 'a pause ends' : 'nothing starts while paused',
        `${placeOf(verdict)} says paused: ${paused}, and was not so since ${begun}`,
      );
    },
  };
}

const targetOf = (scope: string, name: string | null): string => `${scope} ${name ?? ''}`;

const applies = (paused: ReadonlySet<string>, intent: string, route: string): boolean =>
  ['ALL ', `INTENT ${intent}`, `BACKEND ${route}`].some((target) => paused.has(target));
