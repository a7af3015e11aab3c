import { z } from 'zod';

/**
 * What can be wrong with a log. CHAIN, REVISION, TIME, POSITION: an event is not as or where it was written. UNREADABLE: it does not
 * keep its schema. LEGALITY: it cannot follow what is there. PERMISSION (rule 2), ACTION (rule 5): something was done that nothing
 * permits. FACTS, VERDICT (rule 6): a verdict rests on what was not so, or does not come out again. SOURCE: the policy or playbook of a
 * verdict is not in the log, or not from before its use. ERASURE: a case was erased, and its key is still there. SEAL: the log is not what was sealed, or a seal is not
 * what was signed. GAP: the log and its streams do not hold the same. ROW: a read model does not
 * say what the log says.
 */
export const MISMATCH_KINDS = [
  'CHAIN',
  'REVISION',
  'TIME',
  'POSITION',
  'UNREADABLE',
  'LEGALITY',
  'PERMISSION',
  'ACTION',
  'FACTS',
  'VERDICT',
  'SOURCE',
  'ERASURE',
  'SEAL',
  'GAP',
  'ROW',
] as const;
export type MismatchKind = (typeof MISMATCH_KINDS)[number];

/** Why something was not replayed. */
export const NOT_REPLAYED_REASONS = [
  'UNKNOWN_EVALUATOR',
  'SOURCE_MISSING',
  'SOURCE_UNREADABLE',
  'EVENT_OF_LATER_CODE',
  'STREAM_OF_LATER_CODE',
  'BEHIND_WHAT_CANNOT_BE_FOLDED',
  'SEALS_WITHOUT_TRUSTED_KEY',
  'ANCHOR_MISSING',
  'READ_MODELS_MISSING',
  'READ_MODELS_OF_ANOTHER_VERSION',
  'READ_MODEL_ROWS_MOVING',
] as const;
export type NotReplayedReason = (typeof NOT_REPLAYED_REASONS)[number];

const place = {
  stream: z.string(),
  caseId: z.string().nullable().describe('Null where it is not about one case'),
  revision: z.int().nullable().describe('Of the event in its stream; null where it is not about one event'),
};

const mismatch = z.strictObject({
  kind: z.enum(MISMATCH_KINDS),
  ...place,
  detail: z.string().describe('What is wrong; it holds no personal text'),
  row: z
    .strictObject({ table: z.string(), key: z.string(), column: z.string().nullable() })
    .nullable()
    .describe('For ROW: where; no column where the whole row is missing, or should not be there'),
});
export type Mismatch = z.infer<typeof mismatch>;

const notReplayed = z.strictObject({
  reason: z.enum(NOT_REPLAYED_REASONS),
  count: z.int(),
  examples: z.array(z.strictObject(place)).describe('The first of them'),
});
export type NotReplayed = z.infer<typeof notReplayed>;

const sealsReport = z
  .strictObject({
    anchor: z
      .enum(['READ', 'NONE', 'MISSING'])
      .describe(
        'NONE: there is none, so that it cannot be seen whether the end of the log is missing, with the seals in it; MISSING: it is not where it should be',
      ),
    anchored: z.int().describe('Seals of the anchor that the log was held against'),
    notAnchored: z.int().describe('Seals that are in the log alone: signed, not anchored'),
    lastSealedAt: z.iso.datetime().nullable(),
    keys: z
      .array(z.strictObject({ keyId: z.string(), seals: z.int(), isTrusted: z.boolean() }))
      .describe('Keys that seals name as theirs'),
    sealedEvents: z.int(),
    unsealedEvents: z.int().describe('Events behind the last seal; seals do not count'),
    unsealedSince: z.iso.datetime().nullable().describe('When the first of them was recorded'),
  })
  .describe('How the log was held against its seals');
export type SealsReport = z.infer<typeof sealsReport>;

/** What one verification of a log has found. */
export const verificationReport = z
  .strictObject({
    result: z
      .enum(['CLEAN', 'INCOMPLETE', 'MISMATCH'])
      .describe('INCOMPLETE: nothing is wrong with what was replayed, but not everything was'),
    logId: z.string().nullable().describe('Null where the log does not say'),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    durationMs: z.number(),
    eventsPerSecond: z.number(),
    upTo: z.string().nullable().describe("The store's own position of the last event that was looked at"),
    readModelsUpTo: z
      .string()
      .nullable()
      .describe('How far the read models had got; null where none were compared'),
    events: z.int(),
    streams: z.int(),
    cases: z.int(),
    verdicts: z.int().describe('Evaluated again from their recorded facts'),
    rows: z.int().describe('Rows of read models compared'),
    seals: sealsReport
      .nullable()
      .describe(
        'Null where nothing is sealed: the end of a stream, and a chain computed anew to its end, prove nothing',
      ),
    notReplayed: z.array(notReplayed),
    mismatchCount: z.int(),
    mismatchesByKind: z.partialRecord(z.enum(MISMATCH_KINDS), z.int()),
    mismatches: z.array(mismatch).describe('The first thousand, in the order in which they were found'),
  })
  .meta({ id: 'Verification' });
export type VerificationReport = z.infer<typeof verificationReport>;
