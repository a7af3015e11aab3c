import { z } from 'zod';
import { businessHours } from './businessHours.ts';
import { upperName } from './identifiers.ts';
import type { ReviewResolution } from './vocabulary.ts';

const codes = (...fallback: [string, ...string[]]) => z.array(upperName).min(1).default(fallback);

/** Which approvals need two persons: any of these is enough. */
const fourEyes = z.strictObject({
  intents: z.array(upperName).default([]),
  /** Where the risk of what is approved is above this. */
  riskAbove: z.number().min(0).max(1).default(1),
  /** Where at least so many guardrails are overridden; left out: never for that. */
  overridesFrom: z.int().min(1).optional(),
});

/** How people decide what was routed to them: the policy's block `reviews`. */
export const reviewRules = z.strictObject({
  /** How long a claim lasts. */
  leaseMinutes: z.number().min(0.1).max(1_440).default(30),
  /** Roles that may take over or release another one's claim. */
  supervisors: z.array(upperName).default([]),
  /** The reasons that may be given, by what is decided. */
  reasonCodes: z
    .strictObject({
      APPROVED: codes('CONFIRMED'),
      EDITED: codes('CORRECTED'),
      REJECTED: codes('NOT_JUSTIFIED'),
      INFO_REQUESTED: codes('MORE_INFORMATION_NEEDED'),
      OUTCOME_RECORDED: codes('CHECKED_WITH_BACKEND'),
    })
    .prefault({}),
  fourEyes: fourEyes.prefault({}),
  /** When people work; left out: always. */
  businessHours: businessHours.optional(),
});

export type ReviewRules = z.infer<typeof reviewRules>;
/** What a reviewer gives a reason for. */
export type ReasonedBy = ReviewResolution | 'OUTCOME_RECORDED';

/**
 * Whether an approval takes effect only with that of a second person.
 *
 * @param approval the intent and risk (0 to 1) of what is approved, and how many guardrails are overridden
 */
export function needsFourEyes(
  { fourEyes }: ReviewRules,
  { intent, riskScore, overrides }: { intent: string; riskScore: number; overrides: number },
): boolean {
  return (
    fourEyes.intents.includes(intent) ||
    riskScore > fourEyes.riskAbove ||
    overrides >= (fourEyes.overridesFrom ?? Number.POSITIVE_INFINITY)
  );
}
