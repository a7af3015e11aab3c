/** Chance out of one seed: the same seed gives the same numbers for ever. */
export type Random = {
  /** A number in [0, 1). */
  readonly share: () => number;
  /** Whether something of this probability happens. */
  readonly chance: (probability: number) => boolean;
  /** A whole number, both bounds included. */
  readonly between: (least: number, most: number) => number;
  readonly pick: <T>(from: readonly T[]) => T;
  /** One of the keys, each as probable as its weight says. */
  readonly weighted: <K extends string>(weights: Readonly<Record<K, number>>) => K;
  readonly bytes: (size: number) => Buffer;
  /** Another source, which does not move when this one is used more or less. */
  readonly fork: (name: string) => Random;
};

/** @param seed any text; texts that differ give numbers that have nothing to do with each other */
export function createRandom(seed: string): Random {
  const next = sfc32(seed);
  const share = (): number => next() / 2 ** 32;
  const between = (least: number, most: number): number => least + Math.floor(share() * (most - least + 1));
  const pick = <T>(from: readonly T[]): T => from[between(0, from.length - 1)] as T;
  return {
    share,
    chance: (probability) => probability > 0 && share() < probability,
    between,
    pick,
    weighted: (weights) => {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = share() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return pick(entries)[0];
    },
    bytes: (size) => {
      const bytes = Buffer.alloc(size);
      for (let at = 0; at < size; at += 4) bytes.writeUIntBE(next(), at, Math.min(4, size - at));
      return bytes;
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** Chris Doty-Humphrey's small fast counter, 32 bits a number, seeded by a hash of the text (FNV-1a with different offsets). */
function sfc32(seed: string): () => number {
  let a = fnv1a(seed, 0x811c9dc5);
  let b = fnv1a(seed, 0x9e3779b9);
  let c = fnv1a(seed, 0x85ebca6b);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 12; warm += 1) next();
  return next;
}

function fnv1a(text: string, offset: number): number {
  let hash = offset;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
