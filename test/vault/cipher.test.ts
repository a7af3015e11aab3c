import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveKeys, keyedHash, open, seal } from '../../src/vault/cipher.ts';

const keys = deriveKeys(Buffer.alloc(32, 1));
const others = deriveKeys(Buffer.alloc(32, 2));
const nonce = Buffer.alloc(12, 7);
const sealed = seal(keys, 'case-C1 field', 'personal text', nonce);
const bytesOf = (text: string): Buffer => Buffer.from(text.slice('v1.'.length), 'base64url');
const fromBytes = (bytes: Buffer) => ({ sealed: `v1.${bytes.toString('base64url')}` });

const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n'];

describe('sealed text', () => {
  it.each(['', 'x', 'a\u0000b', 'Grüße \u{1F600}', 'y'.repeat(16_384)])('opens again: %j', (text) => {
    expect(open(keys, 'context', seal(keys, 'context', text, nonce))).toBe(text);
  });
  it('opens again, whatever well-formed text it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
        expect(open(keys, context, seal(keys, context, text, nonce))).toBe(text);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
  it('keeps the rest of a text with a lone surrogate, which becomes the replacement character', () => {
    expect(open(keys, 'context', seal(keys, 'context', 'a\ud800b', nonce))).toBe('a\ufffdb');
  });
  it('shows nothing of the text, and differs with the nonce', () => {
    expect(sealed.sealed).toMatch(/^v1\.[A-Za-z0-9_-]+$/);
    expect(bytesOf(sealed.sealed).toString('latin1')).not.toContain('personal');
    expect(seal(keys, 'case-C1 field', 'personal text', Buffer.alloc(12, 8))).not.toStrictEqual(sealed);
  });
  it('does not open with another key', () => {
    expect(() => open(others, 'case-C1 field', sealed)).toThrow();
  });
  it.each(['case-C2 field', 'case-C1 other', '', 'case-C1 field '])('does not open for %j', (context) => {
    expect(() => open(keys, context, sealed)).toThrow();
  });
  it('does not open when any one bit of it was changed', () => {
    const bytes = bytesOf(sealed.sealed);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => open(keys, 'case-C1 field', fromBytes(changed))).toThrow();
    }
  });
  it.each(['a', 'ab', 'abc'])(
    'does not open when any one character was changed, also one that base64 passes over (%s)',
    (clear) => {
      const { sealed: text } = seal(keys, 'context', clear, nonce);
      for (let at = 0; at < text.length; at += 1) {
        for (const character of ALPHABET) {
          if (text[at] === character) continue;
          const changed = { sealed: `${text.slice(0, at)}${character}${text.slice(at + 1)}` };
          expect(() => open(keys, 'context', changed)).toThrow();
        }
      }
    },
  );
  it('does not open when it was cut, however short', () => {
    const bytes = bytesOf(sealed.sealed);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => open(keys, 'case-C1 field', fromBytes(bytes.subarray(0, length)))).toThrow(/sealed/);
    }
  });
  it.each(['', 'v1.', 'v2.AAAA', 'personal text'])('is not %j', (text) => {
    expect(() => open(keys, 'context', { sealed: text })).toThrow(/sealed/);
  });
  it('never shows in an error what it held', () => {
    const error = (() => {
      try {
        return open(others, 'case-C1 field', sealed);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(String(error)).not.toContain('personal');
    expect(String(error)).not.toContain(sealed.sealed);
  });
});

describe('keyed hashes', () => {
  it('are the same for the same', () => {
    expect(keyedHash(keys, 'purpose', 'text')).toBe(keyedHash(keys, 'purpose', 'text'));
    expect(keyedHash(keys, 'purpose', 'text')).toMatch(/^[0-9a-f]{64}$/);
  });
  it('differ by text, purpose and key', () => {
    const hashes = [
      keyedHash(keys, 'purpose', 'text'),
      keyedHash(keys, 'purpose', 'text '),
      keyedHash(keys, 'other', 'text'),
      keyedHash(others, 'purpose', 'text'),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
  it('do not take a purpose for the beginning of a text', () => {
    expect(keyedHash(keys, 'a', 'b\nc')).not.toBe(keyedHash(keys, 'a b', 'c'));
  });
});

describe('derived keys', () => {
  it('differ by purpose, and from the key that they come from', () => {
    const key = Buffer.alloc(32, 1);
    const texts = [key, keys.encryption, keys.hashing].map((bytes) => bytes.toString('hex'));
    expect(new Set(texts).size).toBe(3);
    expect(texts.every((text) => text.length === 64)).toBe(true);
  });
  it('are HKDF-SHA-256 of the key: what was sealed stays readable', () => {
    expect(keys.encryption.toString('hex')).toBe(ENCRYPTION);
    expect(keyedHash(keys, 'purpose', 'text')).toBe(HASH);
    expect(open(keys, 'case-C1 field', { sealed: SEALED })).toBe('personal text');
  });
});

// Computed apart from this code (Python's cryptography and hmac): a change of them makes every stored text unreadable.
const ENCRYPTION = '5259c62a68517712f564307bb4ee281772cc9042d80cf5528c223af4c118d1bc';
const HASH = 'b55c96ecabed1c8b1b37d30cc09e5648a75c0ac396637c4e3cabf0aa837d4326';
const SEALED = 'v1.BwcHBwcHBwcHBwcHkYGnNwnXzNUJQgohXCjYmKGWT0CA3gbNPNlJ2Lc';
