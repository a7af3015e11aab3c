import type { LightMyRequestResponse } from 'fastify';
import type { BackendAnswer } from '../../src/backends/port.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { modelSays, succeeded } from '../support/scripted.ts';
import { until } from '../support/until.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

/** GET /reviews/{taskId}, as far as tests read it field by field. */
export type Review = {
  readonly status: string;
  readonly outcome: string | null;
  readonly description: string | null;
  readonly reviewedHash: string;
  readonly reviewedRevision: number;
  readonly review: { readonly claim: unknown; readonly firstApproval: { readonly stands: boolean } | null };
  readonly proposal: {
    readonly verdict: string;
    readonly guardrails: readonly { readonly name: string; readonly passed: boolean }[];
  };
  readonly attempts: readonly Record<string, unknown>[];
  readonly verdicts: readonly Record<string, unknown>[];
  readonly resolutions: readonly Record<string, unknown>[];
  readonly notes: readonly Record<string, unknown>[];
};

/** A service in memory, and the people who submit and review on it. */
export type ReviewingApp = {
  readonly service: AuthenticatedApp;
  /** Keys of people; eve holds no role that may have anything executed. */
  readonly people: Readonly<Record<'clerk' | 'ann' | 'ben' | 'eve', string>>;
  /** What the model says from now on. */
  says: Partial<Decision>;
  /** What the backend answers before it succeeds again. */
  answers: BackendAnswer[];
  /** Opens C1 and has a task of the clerk's routed to a person. */
  readonly routedTask: (description?: string) => Promise<string>;
  readonly seen: (taskId: string) => Promise<Review>;
  readonly claim: (who: string, taskId: string, body?: object) => Promise<LightMyRequestResponse>;
  /** Approves what is shown now with the confidence overridden, unless changes say otherwise. */
  readonly decide: (
    who: string,
    taskId: string,
    changes?: Readonly<Record<string, unknown>>,
    headers?: Record<string, string>,
    shown?: Review,
  ) => Promise<LightMyRequestResponse>;
  /** The review once its task has that status. */
  readonly settled: (taskId: string, status: string) => Promise<Review>;
};

/** The first of the default policy's reason codes for everything that is decided. */
export const REASONS: Readonly<Record<string, string>> = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
  OUTCOME_RECORDED: 'CHECKED_WITH_BACKEND',
};

/** Starts it; the model is not certain of anything. */
export async function createReviewingApp(): Promise<ReviewingApp> {
  const service = await createAuthenticatedApp({
    model: () => modelSays(rig.says),
    backend: () => rig.answers.shift() ?? succeeded,
  });
  const person = async (actor: string, roles: string[]) => (await service.makeKey({ actor, roles })).text;
  const people = {
    clerk: await person('clerk', ['OPS']),
    ann: await person('ann', ['OPS']),
    ben: await person('ben', ['OPS', 'SUPERVISOR']),
    eve: await person('eve', ['AGENT']),
  };
  const seen: ReviewingApp['seen'] = async (taskId) =>
    (await service.call(people.ann, `/reviews/${taskId}`)).json<Review>();
  const rig: ReviewingApp = {
    service,
    people,
    says: { confidence: 0.5 },
    answers: [],
    routedTask: async (description = 'Partner timed out, please retry for policy 4711') => {
      await service.call(people.clerk, '/cases', { caseId: 'C1', retryCount: 0 });
      const task = { case_id: 'C1', description, channel: 'SYSTEM', user_role: 'OPS' };
      const answer = (await service.call(people.clerk, '/case-task', task)).json<Record<string, string>>();
      if (answer.status !== 'IN_REVIEW' || !answer.taskId) throw new Error('the task was not routed');
      return answer.taskId;
    },
    seen,
    claim: (who, taskId, body = {}) => service.call(who, `/reviews/${taskId}/claim`, body),
    decide: async (who, taskId, changes = {}, headers = {}, shown) => {
      const { reviewedHash, reviewedRevision } = shown ?? (await seen(taskId));
      const asked = {
        resolution: 'APPROVED',
        reasonCode: REASONS[String(changes.resolution ?? 'APPROVED')],
        overrides: ['confidence'],
        reviewedHash,
        reviewedRevision,
        ...changes,
      };
      return service.call(who, `/reviews/${taskId}/decide`, asked, headers);
    },
    settled: (taskId, status) =>
      until(`the task is ${status}`, async () => {
        const now = await seen(taskId);
        return now.status === status ? now : null;
      }),
  };
  return rig;
}
