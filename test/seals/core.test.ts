import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SealedEvent } from '../../src/domain/seal.ts';
import { newSigningKey } from '../../src/seals/keyFiles.ts';
import { isSignedBy, parseSigningKey, parseTrustedKeys } from '../../src/seals/keys.ts';
import { leafOf, merkleTree } from '../../src/seals/merkle.ts';
import {
  MOST_SEALED,
  rootOf,
  sealEvents,
  signatureProblem,
  statementHash,
} from '../../src/seals/statement.ts';
import { AT } from '../support/builders.ts';
import { KEY, OTHER_KEY, trusting } from './support.ts';

const sha = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left: Buffer, right: Buffer): Buffer => sha(Buffer.of(1), left, right);

/** The root as section 2.1.1 defines it: split at the greatest power of two below the size. The same tree, written another way. */
function rootByDefinition(leaves: readonly Buffer[]): Buffer | undefined {
  if (leaves.length < 2) return leaves[0];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)].map(rootByDefinition);
  return left && right && node(left, right);
}

/** RFC 9162, section 2.1.3.2: the root that a path leads to. */
function rootByPath(leaf: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer | null {
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const beside of path) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      root = node(beside, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else root = node(root, beside);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return sn === 0 ? root : null;
}

const eventOf = (n: number): SealedEvent => ({
  stream: `case-${n}`,
  revision: n,
  hash: n.toString(16).padStart(64, '0'),
});
const leavesOf = (size: number): Buffer[] => Array.from({ length: size }, (_, n) => leafOf(eventOf(n)));

describe('the Merkle tree of RFC 9162', () => {
  it('a leaf is the hash of a zero byte and the canonical JSON of what it says', () => {
    const text = `["case-\\"ä","x"]`;
    expect(text).toContain('ä');
    const event = { stream: 'case-"ä', revision: 7, hash: 'ab' };
    expect(leafOf(event)).toEqual(sha(Buffer.of(0), Buffer.from('["case-\\"ä",7,"ab"]', 'utf8')));
  });
  it('has the same root written another way, and every path leads to it, for every size to 70', () => {
    for (let size = 1; size <= 70; size += 1) {
      const leaves = leavesOf(size);
      const { root, pathOf } = merkleTree(leaves);
      expect(root).toEqual(rootByDefinition(leaves));
      for (const [index, leaf] of leaves.entries())
        expect(rootByPath(leaf, index, size, pathOf(index))).toEqual(root);
    }
  });
  it('a path leads to the root from no other leaf, no other place and with no other node', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size, some, other) => {
        const leaves = leavesOf(size);
        const [index, wrong] = [some % size, (some + 1 + (other % (size - 1))) % size];
        const { root, pathOf } = merkleTree(leaves);
        const path = pathOf(index);
        const leaf = leaves[index] ?? root;
        expect(rootByPath(leaf, index, size, path)).toEqual(root);
        expect(rootByPath(leaves[wrong] ?? root, index, size, path)).not.toEqual(root);
        const changed = path.map((each, n) => (n === other % path.length ? sha(each) : each));
        expect(rootByPath(leaf, index, size, changed)).not.toEqual(root);
        expect(rootByPath(leaf, index, size, path.slice(1))).not.toEqual(root);
      }),
      { numRuns: 60 },
    );
  });
  it('has no root without leaves, and no path to a leaf that is not there', () => {
    expect(() => merkleTree([])).toThrow(RangeError);
    expect(() => merkleTree(leavesOf(3)).pathOf(3)).toThrow(RangeError);
    expect(() => merkleTree(leavesOf(3)).pathOf(-1)).toThrow(RangeError);
  });
});

const pemOf = (type: 'x25519' | 'ed25519', half: 'private' | 'public'): string => {
  const pair = type === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ed25519');
  return half === 'private'
    ? pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    : pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
};
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });

describe('keys', () => {
  it('may have their line breaks written as \\n, and have the id of their public half', () => {
    const pem = newSigningKey();
    const key = parseSigningKey(pem);
    expect(parseSigningKey(pem.replaceAll('\n', '\\n'))).toMatchObject({ keyId: key.keyId });
    expect([...parseTrustedKeys(key.publicKey).keys()]).toEqual([key.keyId]);
    expect(key.keyId).toMatch(/^[0-9a-f]{64}$/);
  });
  it('several public keys may stand in one file, with other text between them', () => {
    const text = `the one of 2025\n${KEY.publicKey}\nthe one of 2026\n${OTHER_KEY.publicKey}`;
    expect([...parseTrustedKeys(text).keys()]).toEqual([KEY.keyId, OTHER_KEY.keyId]);
  });
  it.each<[string, () => unknown, string]>([
    ['no PEM', () => parseSigningKey('SECRET'), 'must be an Ed25519 private key in PEM'],
    [
      'a cut PEM',
      () => parseSigningKey(newSigningKey().slice(0, -40)),
      'must be an Ed25519 private key in PEM',
    ],
    [
      'a public key',
      () => parseSigningKey(pemOf('ed25519', 'public')),
      'must be an Ed25519 private key in PEM',
    ],
    [
      'X25519',
      () => parseSigningKey(pemOf('x25519', 'private')),
      'must be an Ed25519 private key, but is x25519',
    ],
    [
      'RSA',
      () => parseSigningKey(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
      'must be an Ed25519 private key, but is rsa',
    ],
    ['no public key', () => parseTrustedKeys('SECRET'), 'holds no public key (PEM, BEGIN PUBLIC KEY)'],
    [
      'a private key among the trusted',
      () => parseTrustedKeys(newSigningKey()),
      'holds no public key (PEM, BEGIN PUBLIC KEY)',
    ],
    [
      'X25519, public',
      () => parseTrustedKeys(pemOf('x25519', 'public')),
      'must be an Ed25519 public key, but is x25519',
    ],
    [
      'no key between the lines of one',
      () => parseTrustedKeys('-----BEGIN PUBLIC KEY-----\nSECRET\n-----END PUBLIC KEY-----'),
      'must be an Ed25519 public key in PEM',
    ],
  ])('%s is refused, and never repeated', (_, parse, message) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'INVALID_SIGNING_KEY', message }));
  });
  it('believe a signature of theirs over that text, in that base64, and nothing else', () => {
    const [key] = parseTrustedKeys(KEY.publicKey).values();
    if (!key) throw new Error('no key');
    const signature = KEY.sign('text');
    expect(isSignedBy(key, 'text', signature)).toBe(true);
    for (const other of [
      OTHER_KEY.sign('text'),
      KEY.sign('other'),
      `${signature} `,
      signature.replace(/=+$/, ''),
      signature.replace(/^./, '-'),
      '',
    ])
      expect(isSignedBy(key, 'text', other)).toBe(false);
  });
});

describe('a statement', () => {
  const events = Array.from({ length: 5 }, (_, n) => eventOf(n));
  const first = sealEvents('the log', null, events.slice(0, 3), AT, KEY);
  const second = sealEvents('the log', first.statement, events.slice(3), AT, OTHER_KEY);

  it('says what it covers, and which one was before it', () => {
    expect(first.statement).toEqual({
      format: 'case-orchestrator/seal/1',
      logId: 'the log',
      number: 0,
      start: 0,
      count: 3,
      root: rootOf(events.slice(0, 3)),
      last: events[2],
      previous: null,
      sealedAt: AT,
      keyId: KEY.keyId,
    });
    expect(second.statement).toMatchObject({
      number: 1,
      start: 3,
      count: 2,
      last: events[4],
      previous: statementHash(first.statement),
      keyId: OTHER_KEY.keyId,
    });
  });
  it('is believed from the key that it names, where that is trusted', () => {
    expect(signatureProblem(first, trusting(KEY, OTHER_KEY))).toBeNull();
    expect(signatureProblem(second, trusting(KEY, OTHER_KEY))).toBeNull();
    expect(signatureProblem(second, trusting(KEY))).toBe('UNTRUSTED_KEY');
    const claimed = { ...second, statement: { ...second.statement, keyId: KEY.keyId } };
    expect(signatureProblem(claimed, trusting(KEY))).toBe('BAD_SIGNATURE');
    for (const change of [
      { count: 4 },
      { start: 1 },
      { number: 1 },
      { sealedAt: '2026-01-02T00:00:00.000Z' },
    ]) {
      const statement = { ...first.statement, ...change };
      expect(signatureProblem({ ...first, statement }, trusting(KEY))).toBe('BAD_SIGNATURE');
    }
  });
  it('covers one event at least, and not too many', () => {
    expect(() => sealEvents('the log', null, [], AT, KEY)).toThrow(RangeError);
    const many = Array.from({ length: MOST_SEALED + 1 }, (_, n) => eventOf(n));
    expect(() => sealEvents('the log', null, many, AT, KEY)).toThrow(RangeError);
  });
});
