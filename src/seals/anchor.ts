import { z } from 'zod';
import type { SealedEvent } from '../domain/seal.ts';
import { sealStatement } from '../eventstore/schemas.ts';
import type { Seal } from './statement.ts';

/** A seal with everything that it covers, so that what was changed can be located. */
export type AnchoredSeal = Seal & { readonly leaves: readonly SealedEvent[] };

/** A line of an anchor: a seal, or what cannot be read as one; `line` counts from 1. */
export type AnchorEntry =
  | { readonly kind: 'seal'; readonly seal: AnchoredSeal }
  | { readonly kind: 'unreadable'; readonly line: number };

/** Where seals are kept outside of the database. Only ever appended to; one process at a time. */
export type Anchor = {
  /** Where it is. */
  readonly description: string;
  /**
   * The last seal that it holds; null where it is empty. What a crash has left of a line that was being written is taken away first.
   *
   * @throws SealAlarmError where the last line is no seal
   */
  readonly last: () => Promise<AnchoredSeal | null>;
  /** Appends a seal; when it resolves, the seal is durable. */
  readonly append: (seal: AnchoredSeal) => Promise<void>;
};

const anchorLine = z.strictObject({
  statement: sealStatement,
  signature: z.string(),
  leaves: z.array(z.tuple([z.string(), z.int(), z.string()])),
});

/** A seal as a line of the anchor, with its end. */
export function lineOf({ statement, signature, leaves }: AnchoredSeal): string {
  const rows = leaves.map(({ stream, revision, hash }) => [stream, revision, hash]);
  return `${JSON.stringify({ statement, signature, leaves: rows })}\n`;
}

/** The seal in a line of the anchor; null where there is none. */
export function parseLine(line: string): AnchoredSeal | null {
  try {
    const { statement, signature, leaves } = anchorLine.parse(JSON.parse(line));
    return {
      statement,
      signature,
      leaves: leaves.map(([stream, revision, hash]) => ({ stream, revision, hash })),
    };
  } catch {
    return null;
  }
}
