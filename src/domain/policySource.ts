import { z } from 'zod';
import { upperName } from './identifiers.ts';
import { reviewRules } from './reviewRules.ts';
import { PRIORITIES } from './vocabulary.ts';
import type { LineOf } from './yaml.ts';

const lowerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be lower-kebab-case, at most 64 characters');

const guardrailSource = z.strictObject({
  name: lowerName,
  code: upperName,
  expression: z.string().min(1),
  message: z.string().min(1).max(300),
  overridable: z.boolean(),
});
const dueMinutes = z.int().min(1).max(525_600);
const queueTarget = {
  queue: lowerName,
  dueMinutes,
  /** Other deadlines for cases of these priorities. */
  dueMinutesByPriority: z.partialRecord(z.enum(PRIORITIES), dueMinutes).default({}),
  /** Where a task goes on waiting that nobody has decided in time. */
  escalateTo: lowerName.optional(),
};

/** How what failed is tried again, where the recommendation says so and the guardrails pass again. */
const retries = z.strictObject({
  /** Pause before the first BACKOFF retry; it doubles with each further one. */
  firstPauseSeconds: z.number().min(0.1).max(3_600).default(2),
  longestPauseSeconds: z.number().min(0.1).max(86_400).default(300),
  /** A task that is older than this when its retry would be due goes to a person instead. */
  budgetMinutes: z.number().min(0.1).max(10_080).default(60),
  /** What becomes of a task that may be executed while its backend is known to be down. */
  whenBackendDown: z.enum(['WAIT', 'MANUAL']).default('WAIT'),
});

/** A policy as its file has it. */
export const policySource = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  roles: z.array(upperName).min(1),
  channels: z.array(upperName).min(1),
  limits: z
    .record(z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'must be lowerCamelCase'), z.number())
    .refine((limits) => Number.isInteger(limits.maxAttempts) && (limits.maxAttempts ?? 0) >= 1, {
      message: 'must hold maxAttempts, a whole number of at least 1',
    }),
  permissions: z.record(upperName, z.strictObject({ roles: z.array(upperName), routes: z.array(upperName) })),
  guardrails: z.array(guardrailSource).min(1),
  retries: retries.prefault({}),
  queues: z.array(z.strictObject({ ...queueTarget, codes: z.array(upperName).default([]) })).default([]),
  defaultQueue: z.strictObject(queueTarget),
  reviews: reviewRules.prefault({}),
});

export type PolicySource = z.infer<typeof policySource>;
export type GuardrailSource = PolicySource['guardrails'][number];
/** Takes down what is wrong at a path of keys, and how to mend it. */
export type Report = (path: Parameters<LineOf>[0], message: string) => void;
