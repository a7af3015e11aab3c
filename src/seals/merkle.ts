import { createHash } from 'node:crypto';
import type { SealedEvent } from '../domain/seal.ts';

/**
 * The leaf of an event: SHA-256 over a zero byte and the canonical JSON of `[stream, revision, hash]`. The bytes in front keep leaves
 * and nodes apart (RFC 9162, section 2.1.1).
 */
export const leafOf = ({ stream, revision, hash }: SealedEvent): Buffer =>
  sha256(LEAF, Buffer.from(JSON.stringify([stream, revision, hash]), 'utf8'));

/** A Merkle tree over leaves, in their order (RFC 9162, section 2.1). */
export type MerkleTree = {
  readonly root: Buffer;
  /**
   * What proves that a leaf is in it: the nodes beside its way to the root, from the leaf upwards (section 2.1.3.1).
   *
   * @throws RangeError for an index that no leaf has
   */
  readonly pathOf: (index: number) => Buffer[];
};

/**
 * Makes the tree once, for any number of paths.
 *
 * @throws RangeError without leaves: nothing is sealed then
 */
export function merkleTree(leaves: readonly Buffer[]): MerkleTree {
  const levels: (readonly Buffer[])[] = [leaves];
  let top = leaves;
  while (top.length > 1) {
    top = levelAbove(top);
    levels.push(top);
  }
  const [root] = top;
  if (!root) throw new RangeError('a tree has at least one leaf');
  return {
    root,
    pathOf: (index) => {
      if (!leaves[index]) throw new RangeError(`there is no leaf ${index}`);
      return levels.flatMap((level, height) => level[beside(Math.floor(index / 2 ** height))] ?? []);
    },
  };
}

/** Neighbours under one node each; what has no neighbour goes up as it is, which gives the tree of the standard. */
function levelAbove(level: readonly Buffer[]): Buffer[] {
  const above: Buffer[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const [left, right] = [level[index], level[index + 1]];
    if (left) above.push(right ? nodeOf(left, right) : left);
  }
  return above;
}

const beside = (index: number): number => (index % 2 === 0 ? index + 1 : index - 1);

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);
const nodeOf = (left: Buffer, right: Buffer): Buffer => sha256(NODE, left, right);

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
