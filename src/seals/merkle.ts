import { createHash } from 'node:crypto';
import type { SealedEvent } from '../domain/seal.ts';

/**
 * The leaf of an event: SHA-256 over a zero byte and the canonical JSON of `[stream, revision, hash]`. The bytes in front keep leaves
 * and nodes apart (RFC 9162, section 2.1.1).
 */
export const leafOf = ({ stream, revision, hash }: SealedEvent): Buffer =>
  sha256(LEAF, Buffer.from(JSON.stringify([stream, revision, hash]), 'utf8'));

/**
 * The root of the Merkle tree over leaves, in their order (RFC 9162, section 2.1.1).
 *
 * @throws RangeError without leaves: nothing is sealed then
 */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (!only) throw new RangeError('a tree has at least one leaf');
  if (leaves.length === 1) return only;
  const split = splitOf(leaves.length);
  return nodeOf(merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}

/**
 * What proves that a leaf is in a tree: the nodes beside its way to the root, from the leaf upwards (RFC 9162, section 2.1.3.1).
 *
 * @throws RangeError for an index that no leaf has
 */
export function inclusionPath(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!leaves[index]) throw new RangeError(`there is no leaf ${index}`);
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), merkleRoot(right)]
    : [...inclusionPath(right, index - split), merkleRoot(left)];
}

/** The greatest power of two that is smaller than the number of leaves. */
const splitOf = (count: number): number => 2 ** Math.floor(Math.log2(count - 1));

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);
const nodeOf = (left: Buffer, right: Buffer): Buffer => sha256(NODE, left, right);

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
