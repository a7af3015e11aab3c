import type { Decision } from '../../../src/domain/decision.ts';
import type { DecisionRecommended } from '../../../src/domain/events.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Host } from '../host.ts';
import type { ModelWatch } from '../model.ts';
import type { World } from '../world.ts';
import type { Knowledge } from './knowledge.ts';
import type { Committed, LedgerTask } from './ledger.ts';
import { placeOf } from './streamRules.ts';

/** What a process without troubles may need to record what it was told: milliseconds, and calls that wait for each other. */
const TO_RECORD_MS = 3_000;
const CALLS_TO_RECORD = 50;

/** A decision that has reached a process. `keeps`: it keeps the contract, so that it must be recorded. */
type Told = {
  readonly host: Host;
  readonly taskId: string;
  readonly at: number;
  readonly decision: string;
  readonly keeps: boolean;
};

export type ModelRules = ModelWatch & {
  /** Holds a decision that has just been recorded against what the model said. */
  readonly recorded: (event: Committed & DecisionRecommended) => void;
};

/**
 * @param taskOf the task that a text belongs to, where one is recorded
 * @param callMs how long a call to a shared part takes at most
 */
export function createModelRules(
  world: World,
  knowledge: Knowledge,
  taskOf: (description: string) => LedgerTask | undefined,
  callMs: number,
): ModelRules {
  const { timeline, violate } = world;
  const told: Told[] = [];

  return {
    asked: (host, { task: { description } }) => {
      const task = taskOf(description);
      if (!task) return violate('nothing before it is recorded', `${host.name} asks about "${description}"`);
      const { taskId, caseId, decidedAt } = task;
      if (decidedAt !== null && decidedAt <= knowledge.upTo(host, caseId)) {
        violate('the model is not asked again', `${host.name} has read the decision about ${taskId}`);
      }
      const had = told.find((one) => one.host === host && one.taskId === taskId && one.keeps);
      if (had)
        violate(
          'no recommendation is thrown away',
          `${host.name} asks about ${taskId}, and was told at ${had.at}`,
        );
    },
    answered: (host, { task: { description } }, answer, keeps) => {
      const task = taskOf(description);
      const decision = answer.kind === 'decision' ? textOf(answer.decision) : null;
      if (!task || decision === null) return;
      told.push({ host, taskId: task.taskId, at: timeline.now(), decision, keeps });
    },
    recorded: (event) => {
      const { taskId, decision, source } = event.data;
      const about = told.filter((one) => one.taskId === taskId);
      const isSaid = about.some((one) => one.host.name === event.by && one.decision === textOf(decision));
      if (source !== 'fallback' && !isSaid) {
        violate('decisions are what the model said', placeOf(event));
      }
      for (const { host, at, keeps: isSound } of about) {
        if (!isSound || host.name === event.by) continue;
        const isWell = host.isAccountable() && host.troubledAt() < at;
        if (isWell && timeline.now() - at > TO_RECORD_MS + CALLS_TO_RECORD * callMs) {
          violate('no recommendation is thrown away', `${host.name} was told about ${taskId} at ${at}`);
        }
      }
    },
  };
}

/** Null where a decision breaks its contract so badly that it is no JSON. */
function textOf(decision: Decision): string | null {
  try {
    return canonicalJson(decision);
  } catch {
    return null;
  }
}
