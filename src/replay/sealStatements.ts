import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { SealedEvent, SealStatement } from '../domain/seal.ts';
import type { AnchoredSeal } from '../seals/anchor.ts';
import type { TrustedKeys } from '../seals/keys.ts';
import { isSameSeal, rootOf, type Seal, signatureProblem, statementHash } from '../seals/statement.ts';
import type { Findings } from './findings.ts';
import type { SealPair } from './sealSources.ts';

/** What a seal says that the log is held against. */
export type ExpectedSeal = {
  readonly statement: SealStatement;
  /** What it covers, where the anchor says so; null where only its root is known. */
  readonly leaves: readonly SealedEvent[] | null;
  /** Where the log has it; null where it has not. */
  readonly position: bigint | null;
  /** Whether seals before it are missing, so that nothing is known of what they covered. */
  readonly isBehindGap: boolean;
};

/** How many seals a key has signed. */
export type KeyUse = { readonly keyId: string; readonly isTrusted: boolean; seals: number };

export type StatementCheck = {
  /** Checks the seals of a number; null where neither can be read. */
  readonly check: (pair: SealPair) => ExpectedSeal | null;
  readonly counts: () => { readonly anchored: number; readonly notAnchored: number };
  readonly keys: () => readonly KeyUse[];
  readonly lastSealedAt: () => string | null;
};

const MOST_KEYS = 100;

/** Checks what seals say of themselves and of the one before: signatures, numbers, links, and that anchor and log have the same. */
export function createStatementCheck(
  logId: string | null,
  trusted: TrustedKeys,
  findings: Findings,
): StatementCheck {
  const counts = { anchored: 0, notAnchored: 0 };
  const keys = new Map<string, KeyUse>();
  let before: SealStatement | null = null;
  let isBehindGap = false;

  const checkSignature = (seal: Seal): string | null => {
    const { keyId, number } = seal.statement;
    const use = keys.get(keyId) ?? { keyId, isTrusted: trusted.has(keyId), seals: 0 };
    use.seals += 1;
    if (keys.size < MOST_KEYS) keys.set(keyId, use);
    if (trusted.size > 0) return SIGNATURE_PROBLEMS[signatureProblem(seal, trusted) ?? 'NONE'];
    findings.notReplayed('SEALS_WITHOUT_TRUSTED_KEY', { stream: SEAL_STREAM, revision: number });
    return null;
  };

  const problemsOf = ({ statement, signature }: Seal): (string | null)[] => [
    checkSignature({ statement, signature }),
    logId === null || statement.logId === logId ? null : 'it is of another log',
    isBehindGap || follows(before, statement) ? null : 'it does not follow the seal before it',
  ];

  /** The seal that counts, told of with all that is wrong with it. */
  const told = (pair: SealPair, hasLeaves: boolean): Seal | null => {
    const seal = pair.anchored ?? pair.recorded?.seal ?? null;
    const problems = [...pairProblems(pair, hasLeaves), ...(seal ? problemsOf(seal) : [])];
    for (const problem of problems)
      if (problem !== null)
        findings.mismatch('SEAL', { stream: SEAL_STREAM, revision: pair.number }, problem);
    return seal;
  };

  return {
    counts: () => counts,
    keys: () => [...keys.values()],
    lastSealedAt: () => before?.sealedAt ?? null,
    check: (pair) => {
      const { anchored, recorded } = pair;
      const leaves = anchored && areLeavesOf(anchored) ? anchored.leaves : null;
      const seal = told(pair, leaves !== null);
      const wasBehindGap = isBehindGap;
      [before, isBehindGap] = [seal?.statement ?? null, seal === null];
      if (!seal) return null;
      counts[anchored ? 'anchored' : 'notAnchored'] += 1;
      const position = recorded?.position ?? null;
      return { statement: seal.statement, leaves, position, isBehindGap: wasBehindGap };
    },
  };
}

const SIGNATURE_PROBLEMS = {
  NONE: null,
  UNTRUSTED_KEY: 'UNTRUSTED: it is signed with a key that is not trusted',
  BAD_SIGNATURE: 'its signature is not of its key',
} as const;

function pairProblems({ anchored, recorded, isPassedByAnchor }: SealPair, hasLeaves: boolean): string[] {
  const problems: string[] = [];
  if (anchored && !hasLeaves) problems.push('what the anchor says that it covers is not what was signed');
  if (anchored && !recorded) problems.push('it is in the anchor, and not in the log any more');
  if (isPassedByAnchor) problems.push('the anchor does not have it, although it has later ones');
  if (!anchored && !recorded) problems.push('neither the anchor nor the log has it');
  if (recorded && !recorded.seal) problems.push('what stands in its place in the log is no seal');
  if (anchored && recorded?.seal && !isSameSeal(anchored, recorded.seal))
    problems.push('it is another one in the log than in the anchor');
  return problems;
}

const follows = (before: SealStatement | null, { previous, start }: SealStatement): boolean =>
  before
    ? previous === statementHash(before) && start === before.start + before.count
    : previous === null && start === 0;

function areLeavesOf({ statement: { count, root, last }, leaves }: AnchoredSeal): boolean {
  const end = leaves.at(-1);
  return (
    leaves.length === count &&
    rootOf(leaves) === root &&
    end?.stream === last.stream &&
    end.revision === last.revision &&
    end.hash === last.hash
  );
}
