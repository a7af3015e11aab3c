import { createHash } from 'node:crypto';

/** What a heap of items comes to, whatever their order; its size does not depend on how many there are. */
export type Tally = {
  /** @param group items of one group are told apart from others when two tallies differ */
  readonly add: (group: string, item: string) => void;
  readonly counts: Float64Array;
  readonly sums: BigUint64Array;
};

/** Enough that a difference is narrowed down to a few groups, and still only a megabyte. */
const BUCKETS = 65_536;

export function createTally(): Tally {
  const counts = new Float64Array(BUCKETS);
  const sums = new BigUint64Array(BUCKETS);
  return {
    counts,
    sums,
    add: (group, item) => {
      const bucket = bucketOf(group);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      // Wraps around, as sums of this type do.
      sums[bucket] = (sums[bucket] ?? 0n) + digest(item).readBigUInt64LE(0);
    },
  };
}

/** The bucket that a group is counted in: FNV-1a, folded to 16 bits. */
export function bucketOf(group: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < group.length; index += 1) {
    hash = Math.imul(hash ^ group.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
}

/** The buckets in which two heaps do not hold the same items equally often. */
export function differingBuckets(one: Tally, other: Tally): ReadonlySet<number> {
  const differing = new Set<number>();
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const isSame = one.counts[bucket] === other.counts[bucket] && one.sums[bucket] === other.sums[bucket];
    if (!isSame) differing.add(bucket);
  }
  return differing;
}

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
