import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { CaseChanged } from '../commands/changeCase.ts';
import { claimReview, decideReview, recordOutcome, releaseReview } from '../commands/reviews.ts';
import { holds } from '../domain/review.ts';
import { REVIEW_RESOLUTIONS } from '../domain/vocabulary.ts';
import type { ApiDependencies } from './dependencies.ts';
import { envelopeOf, idempotencyHeaders, markReplayed } from './headers.ts';
import * as schemas from './schemas.ts';

const MAX_NOTE_BYTES = 8 * 1024;

const params = z.strictObject({ taskId: schemas.taskId });
const name = z.string().min(1).max(64);
const grounds = {
  reasonCode: name.describe("One of the policy's reason codes for this"),
  note: schemas.writtenText(MAX_NOTE_BYTES).optional().describe('Stored encrypted'),
  reviewedHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the reviewedHash of GET /reviews/{taskId}')
    .describe('What the decision rests on, from GET /reviews/{taskId}'),
  reviewedRevision: z.int().min(0).describe('From GET /reviews/{taskId}'),
};

const claim = z
  .strictObject({
    takeover: z.boolean().default(false).describe("For supervisors: end another one's claim"),
  })
  .prefault({})
  .meta({ id: 'Claim' });
const release = z.strictObject({}).prefault({}).meta({ id: 'Release' });
const decision = z
  .strictObject({
    resolution: z.enum(REVIEW_RESOLUTIONS),
    ...grounds,
    overrides: z.array(name).max(100).default([]).describe('Guardrails to override, by name'),
    action: z
      .strictObject({ intent: name, routeTarget: name })
      .optional()
      .describe('With EDITED: what is to be done instead'),
  })
  .meta({ id: 'Decide' });
const outcome = z
  .strictObject({
    attempt: z.int().min(1).describe('Number of the attempt whose outcome is unknown'),
    result: z.enum(['SUCCEEDED', 'FAILED']).describe('What the backend really did'),
    ...grounds,
  })
  .meta({ id: 'RecordedOutcome' });

const changed = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    outcome: schemas.outcome,
    queue: z.string(),
    dueBy: schemas.time,
    claim: z.strictObject({ reviewer: z.string(), leaseUntil: schemas.time }).nullable(),
    awaitsSecond: z.boolean().describe('Whether an approval waits for that of a second person'),
    revision: schemas.revision,
    position: schemas.position,
  })
  .meta({ id: 'ReviewChanged' });

/** POST /reviews/{taskId}/claim, /release, /decide and /outcome. */
export function registerReviewChanges(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['reviews'], params, headers: idempotencyHeaders };
  const response = (what: string) => ({
    200: changed.describe(what),
    ...schemas.problems(400, 404, 409, 413, 415, 422),
  });

  routes.post(
    '/reviews/:taskId/claim',
    {
      schema: {
        ...common,
        operationId: 'claimReview',
        summary: 'Claim a review for a while, or renew the claim',
        body: claim,
        response: response('The review is yours until leaseUntil'),
      },
    },
    async (request, reply) => {
      const { taskId } = request.params;
      const result = await claimReview(deps.reviewing, taskId, request.body.takeover, envelopeOf(request));
      return view(deps, taskId, result, reply);
    },
  );

  routes.post(
    '/reviews/:taskId/release',
    {
      schema: {
        ...common,
        operationId: 'releaseReview',
        summary: 'Give a claimed review back',
        body: release,
        response: response('Nobody has the review now'),
      },
    },
    async (request, reply) => {
      const { taskId } = request.params;
      return view(deps, taskId, await releaseReview(deps.reviewing, taskId, envelopeOf(request)), reply);
    },
  );

  routes.post(
    '/reviews/:taskId/decide',
    {
      schema: {
        ...common,
        operationId: 'decideReview',
        summary: 'Decide a claimed review on what was shown',
        description:
          'APPROVED has the recommended action executed, EDITED another one, under the guardrails and with those overridden that may be; REJECTED ends the task; INFO_REQUESTED leaves it waiting. Only an authenticated reviewer who has not submitted the task may have something executed.',
        body: decision,
        response: response('The decision is recorded'),
      },
    },
    async (request, reply) => {
      const { taskId } = request.params;
      const { note, action, ...asked } = request.body;
      const result = await decideReview(
        deps.reviewing,
        taskId,
        { ...asked, note: note ?? null, action: action ?? null },
        envelopeOf(request),
      );
      return view(deps, taskId, result, reply);
    },
  );

  routes.post(
    '/reviews/:taskId/outcome',
    {
      schema: {
        ...common,
        operationId: 'recordOutcome',
        summary: 'Record what a backend really did in an attempt of unknown outcome',
        body: outcome,
        response: response('The outcome is recorded, and the task goes on from there'),
      },
    },
    async (request, reply) => {
      const { taskId } = request.params;
      const { note, ...asked } = request.body;
      const result = await recordOutcome(
        deps.reviewing,
        taskId,
        { ...asked, note: note ?? null },
        envelopeOf(request),
      );
      return view(deps, taskId, result, reply);
    },
  );
}

function view(
  deps: ApiDependencies,
  taskId: string,
  { current, revision, position, replayed }: CaseChanged,
  reply: FastifyReply,
): z.infer<typeof changed> {
  const task = current.tasks.get(taskId);
  if (!task?.review) throw new Error(`${taskId} has no review`);
  if (replayed) markReplayed(reply);
  const { queue, dueBy, claim: claimed, firstApproval } = task.review;
  const at = replayed ? current.updatedAt : null;
  return {
    taskId,
    caseId: current.caseId,
    status: task.status,
    outcome: task.outcome,
    queue,
    dueBy,
    claim: holds(claimed, at ?? deps.clock.now()) ? { ...claimed } : null,
    awaitsSecond: firstApproval !== null,
    revision,
    position: deps.positions.encode(position),
  };
}
