import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { makeApiKey, parseApiKey } from '../../src/auth/apiKey.ts';
import { isActorId } from '../../src/auth/caller.ts';
import { createApiKeyCheck } from '../../src/auth/checkApiKey.ts';
import { createMemoryApiKeys } from '../../src/auth/memory.ts';
import { ORCHESTRATOR } from '../../src/domain/actors.ts';
import { LATER, NOW, newKey } from './keys.ts';

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual), createHash: vi.fn(real.createHash) };
});

/** A store with one key, what was looked up in it, and a check at a time. */
async function world(changes: Parameters<typeof newKey>[0] = {}) {
  const keys = createMemoryApiKeys();
  const find = vi.fn(keys.find);
  const { key, text } = newKey(changes);
  await keys.add(key);
  let now = NOW;
  const check = createApiKeyCheck({ find }, { now: () => now });
  const setNow = (time: string): void => {
    now = time;
  };
  return { keys, key, text, find, check, setNow };
}

const refusedAs = (message: string) => ({ code: 'CREDENTIALS_REFUSED', missing: false, message });
const NOT_VALID = refusedAs('the API key is not valid');

describe('the text of an API key', () => {
  it('names its id, and holds 256 bits that its stored form is a hash of', () => {
    const drawn: number[] = [];
    const bytes = (size: number) => {
      drawn.push(size);
      return randomBytes(size);
    };
    const { key, text } = makeApiKey(
      { actor: 'crm', roles: [], scopes: ['read'], createdAt: NOW, expiresAt: LATER },
      bytes,
    );
    expect(drawn).toEqual([8, 32]);
    const [, id, secret = ''] = /^co_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
    expect(id).toBe(key.id);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(key.secretHash).toEqual(createHash('sha256').update(secret).digest());
    expect(parseApiKey(text)).toEqual({ id, secret });
  });

  it('is another one each time', () => {
    const made = Array.from({ length: 100 }, () => newKey());
    expect(new Set(made.map(({ text }) => text.slice(20))).size).toBe(100);
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(100);
  });
});

describe('an API key', () => {
  it('stands for its actor, with its roles and scopes', async () => {
    const { check, text } = await world({ roles: ['OPS', 'AGENT'], scopes: ['read'] });
    expect(await check(text)).toEqual({
      actor: { kind: 'service', id: 'crm', roles: ['OPS', 'AGENT'], authMethod: 'api-key' },
      scopes: ['read'],
    });
  });

  it('is refused from the moment it is revoked, and its owner is told', async () => {
    const { check, text, keys, key } = await world();
    await check(text);
    await keys.revoke(key.id, NOW);
    await expect(check(text)).rejects.toMatchObject(refusedAs('the API key was revoked'));
  });

  it('is refused from the moment it expires, and its owner is told', async () => {
    const { check, text, setNow } = await world();
    setNow('2026-01-02T11:59:59.999Z');
    await check(text);
    setNow(LATER);
    await expect(check(text)).rejects.toMatchObject(refusedAs('the API key has expired'));
  });

  it('that is revoked or expired is told of to nobody who does not know its secret', async () => {
    const { check, keys, key, setNow } = await world();
    await keys.revoke(key.id, NOW);
    setNow(LATER);
    const stranger = newKey().text.slice(-43);
    await expect(check(`co_${key.id}_${stranger}`)).rejects.toMatchObject(NOT_VALID);
  });

  it.each<[string, (text: string) => string]>([
    ['another last character', (text) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')],
    // Its last character holds four bits of 32 bytes; the other two are not looked at by a decoder.
    ['other bits after the end', (text) => text.slice(0, -1) + otherSpelling(text.slice(-1))],
    ['a character less', (text) => text.slice(0, -1)],
    ['a character more', (text) => `${text}A`],
    ['its prefix in capitals', (text) => text.replace('co_', 'CO_')],
    ['no secret', (text) => text.slice(0, 20)],
    ['the id of nobody', (text) => `co_${'0'.repeat(16)}${text.slice(19)}`],
    ['its hash for a secret', (text) => text.slice(0, 20) + sha256(text.slice(20)).toString('base64url')],
  ])('with %s is not valid', async (_what, change) => {
    const { check, text } = await world({});
    expect(change(text)).not.toBe(text);
    await expect(check(change(text))).rejects.toMatchObject(NOT_VALID);
  });

  it('is not checked while keys cannot be looked up: what that says is passed on', async () => {
    const check = createApiKeyCheck(
      { find: () => Promise.reject(new Error('no database')) },
      { now: () => NOW },
    );
    await expect(check(newKey().text)).rejects.toThrow('no database');
  });
});

describe('whether a key is known', () => {
  beforeEach(() => vi.clearAllMocks());

  it.each<[string, (known: string) => string]>([
    ['a good key', (known) => known],
    ['a wrong secret', (known) => known.slice(0, 20) + newKey().text.slice(20)],
    ['an unknown id', () => newKey().text],
  ])('cannot be told by the work that is done: %s', async (_what, textOf) => {
    const { check, text, find } = await world();
    const given = textOf(text);
    vi.clearAllMocks();
    await check(given).catch(() => {});
    expect(find.mock.calls).toEqual([[given.slice(3, 19)]]);
    expect(vi.mocked(createHash).mock.calls).toEqual([['sha256']]);
    const compared = vi
      .mocked(timingSafeEqual)
      .mock.calls.map((sides) => sides.map((side) => side.byteLength));
    expect(compared).toEqual([[32, 32]]);
  });

  it('and no secret is the one that stands in for an unknown key', async () => {
    const { check } = await world();
    vi.mocked(timingSafeEqual).mockReturnValueOnce(true);
    await expect(check(newKey().text)).rejects.toMatchObject(NOT_VALID);
  });
});

it.each([
  ['crm', true],
  ['auth0|123', true],
  ['Doe, Jane', true],
  ['x'.repeat(255), true],
  ['', false],
  ['x'.repeat(256), false],
  [' x', false],
  ['x ', false],
  ['a\nb', false],
  ['zo\u00eb', false],
  ['anonymous', false],
  [ORCHESTRATOR.id, false],
])('%j may be the id of an authenticated actor: %s', (id, expected) => {
  expect(isActorId(id)).toBe(expected);
});

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const otherSpelling = (character: string): string => ALPHABET[ALPHABET.indexOf(character) + 1] ?? '';
