import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidConfigError, readConfig } from '../../src/config.ts';
import { describeSealing, readSealSettings } from '../../src/sealing.ts';
import { newSigningKey } from '../../src/seals/keyFiles.ts';
import { parseSigningKey } from '../../src/seals/keys.ts';
import { runToEnd } from '../support/childService.ts';
import { KEY, OTHER_KEY } from './support.ts';

const PEM = newSigningKey();
const { keyId } = parseSigningKey(PEM);
const DATABASE_URL = 'postgres://nobody@127.0.0.1:1/none';
const NOT_A_KEY = 'must be an Ed25519 private key in PEM';

let parent: string;
let DATA_DIR: string;
let count = 0;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'seal-settings-'));
});
afterAll(() => rm(parent, { recursive: true }));
beforeEach(() => {
  count += 1;
  DATA_DIR = join(parent, `data${count}`);
});

const settings = async (env: Record<string, string>, mayMake = false) => {
  const { key, trusted, anchor } = await readSealSettings(readConfig({ DATA_DIR, ...env }), mayMake);
  return { keyId: key?.keyId ?? null, trusted: [...trusted.keys()], anchor };
};
const file = async (name: string, text: string): Promise<string> => {
  const path = join(parent, `${count}-${name}`);
  await writeFile(path, text);
  return path;
};
const problems = async (env: Record<string, string>, mayMake = false): Promise<readonly string[]> => {
  const error = await settings(env, mayMake).catch((caught: unknown) => caught);
  if (error instanceof InvalidConfigError) return error.problems;
  throw new Error('nothing is wrong', { cause: error });
};

describe('with a database of its own', () => {
  it('a service without a key seals nothing', async () => {
    expect(await settings({ DATABASE_URL }, true)).toEqual({ keyId: null, trusted: [], anchor: null });
    const read = await readSealSettings(readConfig({ DATABASE_URL }));
    expect(describeSealing(read)).toBe('none: without SIGNING_KEY nothing is sealed');
  });
  it('the key comes from the environment, or from a file that it names', async () => {
    const expected = { keyId, trusted: [keyId], anchor: null };
    expect(await settings({ DATABASE_URL, SIGNING_KEY: PEM.replaceAll('\n', '\\n') })).toEqual(expected);
    const SIGNING_KEY_FILE = await file('key.pem', PEM);
    expect(await settings({ DATABASE_URL, SIGNING_KEY_FILE })).toEqual(expected);
    const read = await readSealSettings(readConfig({ DATABASE_URL, SIGNING_KEY_FILE }));
    expect(describeSealing(read)).toBe(
      `with the key ${keyId.slice(0, 16)}, kept in the log alone: set SEAL_ANCHOR`,
    );
  });
  it('keys of before are trusted besides', async () => {
    const TRUSTED_KEYS = await file('trusted.pem', `${KEY.publicKey}${OTHER_KEY.publicKey}`);
    expect(await settings({ DATABASE_URL, SIGNING_KEY: PEM, TRUSTED_KEYS, SEAL_ANCHOR: '/mnt/a' })).toEqual({
      keyId,
      trusted: [KEY.keyId, OTHER_KEY.keyId, keyId],
      anchor: '/mnt/a',
    });
    expect(await settings({ DATABASE_URL, TRUSTED_KEYS })).toMatchObject({
      keyId: null,
      trusted: [KEY.keyId, OTHER_KEY.keyId],
    });
  });
});

describe('with an embedded event log', () => {
  it('the first start makes a key that only its owner can read, and further ones take it', async () => {
    expect(await settings({})).toMatchObject({ keyId: null });
    expect(describeSealing(await readSealSettings(readConfig({ DATA_DIR })))).toBe(
      'with a key that the first start makes',
    );
    const made = await settings({}, true);
    expect(made).toEqual({
      keyId: made.keyId,
      trusted: [made.keyId],
      anchor: join(DATA_DIR, 'anchor', 'seals.jsonl'),
    });
    expect(await settings({}, true)).toEqual(made);
    expect(await settings({})).toEqual(made);
    expect((await readdir(DATA_DIR)).toSorted()).toEqual(['signing-key.pem', 'signing-key.pub.pem']);
    expect((await stat(join(DATA_DIR, 'signing-key.pem'))).mode & 0o777).toBe(0o600);
    const publicKey = await readFile(join(DATA_DIR, 'signing-key.pub.pem'), 'utf8');
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    await rm(join(DATA_DIR, 'signing-key.pub.pem'));
    await settings({}, true);
    expect(await readFile(join(DATA_DIR, 'signing-key.pub.pem'), 'utf8')).toBe(publicKey);
  });
  it('one that is gone is not silently replaced', async () => {
    const before = await settings({}, true);
    await rm(join(DATA_DIR, 'signing-key.pem'));
    const path = join(DATA_DIR, 'signing-key');
    expect(await problems({}, true)).toEqual([
      `DATA_DIR: ${path}.pem is gone, but its public half is there: put the key back; or move ${path}.pub.pem to where ` +
        'TRUSTED_KEYS names it, and a new key is made',
    ]);
    const TRUSTED_KEYS = join(parent, 'moved.pem');
    await rename(`${path}.pub.pem`, TRUSTED_KEYS);
    const after = await settings({ TRUSTED_KEYS }, true);
    expect(after.trusted).toEqual([before.keyId, after.keyId]);
    expect(after.keyId).not.toBe(before.keyId);
  });
  it('a key of the environment comes first, and no other is made', async () => {
    expect(await settings({ SIGNING_KEY: PEM }, true)).toMatchObject({ keyId });
    expect(await readdir(DATA_DIR).catch(() => [])).toEqual([]);
  });
  it('read models alone in it make no key: other processes would have others', async () => {
    const env = { EVENT_STORE: 'kurrentdb', KURRENTDB_URL: 'esdb://127.0.0.1:1' };
    expect(await settings(env, true)).toEqual({ keyId: null, trusted: [], anchor: null });
  });
});

describe('what cannot be used stops the start with a line that never repeats it', () => {
  it.each<[string, (secret: string) => Promise<Record<string, string>>, string]>([
    ['no key', async (secret) => ({ SIGNING_KEY: secret }), `SIGNING_KEY: ${NOT_A_KEY}`],
    [
      'two keys',
      async () => ({ SIGNING_KEY: PEM, SIGNING_KEY_FILE: '/none' }),
      'SIGNING_KEY_FILE: is set, but so is SIGNING_KEY; unset one of them',
    ],
    [
      'a file that is not there',
      async () => ({ SIGNING_KEY_FILE: '/none/key.pem' }),
      'SIGNING_KEY_FILE: /none/key.pem cannot be read or written: ENOENT',
    ],
    [
      'trusted keys that are not there',
      async () => ({ TRUSTED_KEYS: '/none/keys.pem' }),
      'TRUSTED_KEYS: /none/keys.pem cannot be read or written: ENOENT',
    ],
    [
      'a time that is none',
      async () => ({ SEAL_EVERY_SECONDS: '0' }),
      'SEAL_EVERY_SECONDS: must be at least 1',
    ],
  ])('%s', async (_, env, problem) => {
    expect(await problems({ DATABASE_URL, ...(await env('SECRET')) })).toEqual([problem]);
  });
  it('a file that holds no key', async () => {
    const path = await file('no.pem', 'SECRET');
    expect(await problems({ DATABASE_URL, SIGNING_KEY_FILE: path })).toEqual([
      `SIGNING_KEY_FILE: ${path} ${NOT_A_KEY}`,
    ]);
    expect(await problems({ DATABASE_URL, TRUSTED_KEYS: path })).toEqual([
      `TRUSTED_KEYS: ${path} holds no public key (PEM, BEGIN PUBLIC KEY)`,
    ]);
  });
  it('a key in the data folder that is none', async () => {
    await settings({}, true);
    const path = join(DATA_DIR, 'signing-key.pem');
    await chmod(path, 0o600);
    await writeFile(path, 'SECRET');
    expect(await problems({}, true)).toEqual([`DATA_DIR: ${path} ${NOT_A_KEY}`]);
  });
});

it('npm run signing-key makes a key, tells its public half, and writes over nothing', async () => {
  const out = join(parent, 'made', 'key.pem');
  const made = await runToEnd(['src/cli/signing-key.ts', 'new', '--out', out], {});
  const key = parseSigningKey(await readFile(out, 'utf8'));
  const told = `key id ${key.keyId}\n${key.publicKey}`;
  expect(made).toMatchObject({
    code: 0,
    output: `wrote ${out} and ${join(parent, 'made', 'key.pub.pem')}\n${told}`,
  });
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  const show = ['src/cli/signing-key.ts', 'show'];
  const [again, shown, printed] = await Promise.all([
    runToEnd(['src/cli/signing-key.ts', 'new', '--out', out], {}),
    runToEnd(show, { SIGNING_KEY_FILE: out }),
    runToEnd(['src/cli/signing-key.ts', 'new'], {}),
  ]);
  expect(again).toMatchObject({ code: 1, output: expect.stringContaining('EEXIST') });
  expect(shown).toMatchObject({ code: 0, output: told });
  const [pem = ''] =
    /-----BEGIN PRIVATE KEY-----[\s\S]+-----END PRIVATE KEY-----\n/.exec(printed.output) ?? [];
  expect(printed.output).toContain(`key id ${parseSigningKey(pem).keyId}\n`);
});
