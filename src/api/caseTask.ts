import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { outcomeOf, type SubmitTask, type SubmittedTask, submitTask } from '../commands/submitTask.ts';
import { isSettled } from '../commands/taskRunner.ts';
import { actorOf } from './actor.ts';
import type { ApiDependencies } from './dependencies.ts';
import { idempotencyHeaders, markReplayed, traceparentOf } from './headers.ts';
import { createIntake } from './intake.ts';
import { preferencesOf, preferHeader } from './prefer.ts';
import * as schemas from './schemas.ts';
import { guardrailsView, isSimulated, manualView } from './taskViews.ts';

const MAX_DESCRIPTION_BYTES = 8 * 1024;

const body = z
  .strictObject({
    case_id: schemas.caseId,
    description: schemas
      .writtenText(MAX_DESCRIPTION_BYTES)
      .describe('What is asked, in free text; 8 KiB at most'),
    channel: z.string().max(64).describe("One of the policy's channels"),
    user_role: z.string().max(64).describe("A role that the caller claims; one of the policy's roles"),
  })
  .meta({
    id: 'CaseTask',
    examples: [
      {
        case_id: 'C1001',
        description: 'Partner API failed again with timeout, please retry for policy 4711',
        channel: 'SYSTEM',
        user_role: 'OPS',
      },
    ],
  });

const answer = z
  .strictObject({
    outcome: schemas.outcome,
    decision: schemas.decision.nullable(),
    idempotencyKey: z.string(),
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    revision: schemas.revision,
    position: schemas.position,
    receivedAt: schemas.time.describe('When this task was first received'),
    guardrails: z.array(schemas.guardrailResult),
    manual: schemas.manual.nullable(),
    simulated: z.boolean().describe('Whether the backend that was called only simulates'),
    askAnew: z.string().optional().describe('On a repeat: how to ask anew'),
  })
  .meta({ id: 'CaseTaskAnswer' });

const ASK_ANEW = 'This is the recorded answer to the same request. To ask anew, send a new Idempotency-Key.';

/** POST /case-task: the main job. */
export function registerCaseTask(app: FastifyInstance, deps: ApiDependencies): void {
  const intake = createIntake(deps.runner.inFlight, deps.maxInFlight);
  const submit = async (task: SubmitTask, waitMs: number): Promise<SubmittedTask> => {
    const received = await intake.receive(() => submitTask(deps, task));
    if (waitMs === 0 || isSettled(received.task)) return received;
    return intake.wait(() => outcomeOf(deps, received, waitMs), received);
  };

  app.withTypeProvider<ZodTypeProvider>().post(
    '/case-task',
    {
      schema: {
        operationId: 'submitCaseTask',
        summary: 'Submit a task about a case, and get its outcome',
        description:
          'The text is understood, judged by the policy, and executed or routed to a person. The same request again gets the ' +
          'recorded answer: no model and no backend is called twice. 202 when the outcome is not there within 30 seconds, or as soon as the ' +
          'task is durable with `Prefer: respond-async`; look at Location then.',
        tags: ['tasks'],
        headers: idempotencyHeaders.extend(preferHeader),
        body,
        response: {
          200: answer.describe('The outcome'),
          202: answer.describe(
            'Received durably; the outcome is not settled yet. Location tells where to look.',
          ),
          ...schemas.problems(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { case_id, description, channel, user_role } = request.body;
      const { waitMs, applied } = preferencesOf(request.headers.prefer);
      const asked = {
        caseId: case_id,
        description,
        channel,
        userRole: user_role,
        sentKey: request.headers['idempotency-key'] ?? null,
        actor: actorOf(request),
        traceparent: traceparentOf(request),
      };
      const submitted = await submit(asked, waitMs ?? deps.waitMs);
      const { task, replayed } = submitted;
      request.log.info(
        { taskId: task.taskId, outcome: task.outcome, status: task.status, replayed },
        'task answered',
      );
      if (replayed) markReplayed(reply);
      if (applied !== null) reply.header('Preference-Applied', applied);
      if (!isSettled(task)) reply.code(202).header('Location', `/tasks/${encodeURIComponent(task.taskId)}`);
      return view(deps, submitted);
    },
  );
}

async function view(deps: ApiDependencies, submitted: SubmittedTask): Promise<z.infer<typeof answer>> {
  const { current, task, idempotencyKey, replayed } = submitted;
  return {
    outcome: task.outcome,
    decision: task.decision,
    idempotencyKey,
    taskId: task.taskId,
    caseId: current.caseId,
    status: task.status,
    revision: task.revision,
    position: deps.positions.encode(task.position),
    receivedAt: task.receivedAt,
    guardrails: guardrailsView(task),
    manual: await manualView(deps.sources, task),
    simulated: isSimulated(task),
    ...(replayed ? { askAnew: ASK_ANEW } : {}),
  };
}
