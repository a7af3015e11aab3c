import { z } from 'zod';
import { wholeNumber } from '../input.ts';
import { InvalidSigningKeyError, parseSigningKey } from './keys.ts';

const signingKey = z
  .string()
  .superRefine((text, context) => {
    const problem = problemOf(() => parseSigningKey(text));
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  })
  .optional();

/** Environment variables about seals; part of the environment's schema. */
export const sealVariables = {
  SIGNING_KEY: signingKey.meta({
    description:
      'Private key that seals and evidence are signed with: Ed25519, PKCS #8, PEM; its line breaks may be written `\\n`. `npm run signing-key -- new` makes one',
    defaultRule:
      '`signing-key.pem` in DATA_DIR with an embedded event log, made at the first start; else none, and nothing is sealed',
  }),
  SIGNING_KEY_FILE: z.string().optional().describe('A file that holds it, in place of SIGNING_KEY'),
  TRUSTED_KEYS: z
    .string()
    .optional()
    .describe(
      'A PEM file with the public keys that were in force before; that of the private key is trusted anyway',
    ),
  SEAL_ANCHOR: z.string().optional().meta({
    description: 'File outside of the database to which every seal is appended; keep copies of it elsewhere',
    defaultRule: '`anchor/seals.jsonl` in DATA_DIR with an embedded event log, else none',
  }),
  SEAL_EVERY_SECONDS: wholeNumber(1, 86_400, 60).describe('How often what is new is sealed, in seconds'),
};

/** What the environment says about seals. */
export type SealVariables = z.infer<z.ZodObject<typeof sealVariables>>;

/** What of it does not go together, a line each. */
export const sealProblems = ({ SIGNING_KEY, SIGNING_KEY_FILE }: SealVariables): string[] =>
  SIGNING_KEY !== undefined && SIGNING_KEY_FILE !== undefined
    ? ['SIGNING_KEY_FILE: is set, but so is SIGNING_KEY; unset one of them']
    : [];

/** Why a key cannot be used; null where it can. */
function problemOf(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    if (error instanceof InvalidSigningKeyError) return error.message;
    throw error;
  }
}
