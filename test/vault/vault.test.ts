import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { createMemoryKeyStore } from '../../src/vault/memory.ts';
import type { KeyStore } from '../../src/vault/port.ts';
import { createPostgresKeyExists, createPostgresKeyStore } from '../../src/vault/postgres.ts';
import { createVault, PERSONAL_FIELDS } from '../../src/vault/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { dumpTables } from '../support/tables.ts';

describe('the vault', () => {
  const counted = () => {
    let drawn = 0;
    const vault = createVault(createMemoryKeyStore(), (size) => {
      drawn += 1;
      return randomBytes(size);
    });
    return { vault, drawn: () => drawn };
  };

  it('has nothing for a case that nobody opened', async () => {
    const { vault, drawn } = counted();
    expect(await vault.of('C1')).toBeNull();
    expect(drawn()).toBe(0);
  });
  it('opens later what it sealed', async () => {
    const { vault } = counted();
    const sealed = (await vault.create('C1')).seal(PERSONAL_FIELDS.description, 'text');
    expect((await vault.of('C1'))?.open(PERSONAL_FIELDS.description, sealed)).toBe('text');
    expect((await vault.create('C1')).open(PERSONAL_FIELDS.description, sealed)).toBe('text');
  });
  it('seals every text with a nonce of its own', async () => {
    const { vault } = counted();
    const one = await vault.create('C1');
    const texts = Array.from({ length: 50 }, () => one.seal(PERSONAL_FIELDS.note, 'text').sealed);
    expect(new Set(texts).size).toBe(50);
  });
  it('opens it for no other case and no other field', async () => {
    const { vault } = counted();
    const one = await vault.create('C1');
    const two = await vault.create('C2');
    const sealed = one.seal(PERSONAL_FIELDS.attribute('name'), 'text');
    expect(two.open(PERSONAL_FIELDS.attribute('name'), sealed)).toBeNull();
    expect(one.open(PERSONAL_FIELDS.attribute('street'), sealed)).toBeNull();
    expect(one.open(PERSONAL_FIELDS.note, sealed)).toBeNull();
  });
  it('hashes differently for every case', async () => {
    const { vault } = counted();
    const [one, two] = [await vault.create('C1'), await vault.create('C2')];
    expect(one.hash('p', 'text')).toBe((await vault.of('C1'))?.hash('p', 'text'));
    expect(one.hash('p', 'text')).not.toBe(two.hash('p', 'text'));
    expect(one.hash('p', 'text')).not.toBe(one.hash('q', 'text'));
  });
  it('keeps a case apart from one whose id and field run together', async () => {
    const keys = createMemoryKeyStore();
    const key = Buffer.alloc(32, 3);
    await keys.findOrCreate('C1', key);
    await keys.findOrCreate('C1 x', key);
    const vault = createVault(keys, randomBytes);
    const sealed = (await vault.create('C1')).seal('field', 'text');
    const other = await vault.create('C1 x');
    expect(other.open('field', sealed)).toBeNull();
    expect(other.open('x field', sealed)).toBeNull();
  });
});

/** What every key store does. */
function keyStoreContract(create: () => KeyStore): void {
  const key = (byte: number): Buffer => Buffer.alloc(32, byte);

  it('finds nothing at first', async () => {
    expect(await create().find('nobody')).toBeNull();
  });
  it('keeps the first key, byte for byte', async () => {
    const keys = create();
    const first = Buffer.from(Array.from({ length: 32 }, (_, n) => (n * 37) & 0xff));
    expect(await keys.findOrCreate('first', first)).toStrictEqual(first);
    expect(await keys.findOrCreate('first', key(2))).toStrictEqual(first);
    expect(await keys.find('first')).toStrictEqual(first);
  });
  it('keeps the keys of cases apart, also of those that differ by case alone', async () => {
    const keys = create();
    await keys.findOrCreate('apart', key(1));
    expect(await keys.findOrCreate('APART', key(2))).toStrictEqual(key(2));
    expect(await keys.find('apart')).toStrictEqual(key(1));
    expect(await keys.find('apart ')).toBeNull();
  });
  it('gives every one of many creators the same key', async () => {
    const keys = create();
    const candidates = Array.from({ length: 16 }, (_, n) => key(n + 1));
    const kept = await Promise.all(candidates.map((candidate) => keys.findOrCreate('race', candidate)));
    expect(new Set(kept.map((each) => each.toString('hex'))).size).toBe(1);
    expect(candidates.map((each) => each.toString('hex'))).toContain(kept[0]?.toString('hex'));
    expect(await keys.find('race')).toStrictEqual(kept[0]);
  });
  it('destroys a key for good: there is none, and none is made', async () => {
    const keys = create();
    await keys.findOrCreate('erased', key(1));
    await keys.findOrCreate('kept', key(2));
    await keys.destroy('erased');
    await keys.destroy('erased');
    expect(await keys.find('erased')).toBeNull();
    await expect(keys.findOrCreate('erased', key(3))).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    expect(await keys.find('erased')).toBeNull();
    expect(await keys.find('kept')).toStrictEqual(key(2));
  });
  it('makes no key either where one was destroyed that was not there', async () => {
    const keys = create();
    await keys.destroy('never');
    await expect(keys.findOrCreate('never', key(1))).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    expect(await keys.find('never')).toBeNull();
  });
  it('has no key after a destruction, whoever was making one at the same time', async () => {
    const keys = create();
    for (let round = 0; round < 20; round += 1) {
      const caseId = `round-${round}`;
      const making = Array.from({ length: 4 }, (_, n) =>
        keys.findOrCreate(caseId, key(n + 1)).catch(() => null),
      );
      const [, ...made] = await Promise.all([keys.destroy(caseId), ...making]);
      expect(await keys.find(caseId)).toBeNull();
      expect(
        new Set(made.filter((each) => each !== null).map((each) => each.toString('hex'))).size,
      ).toBeLessThan(2);
    }
  });
}

describe('the key store in memory', () => {
  keyStoreContract(createMemoryKeyStore);
});

describe('the key store in Postgres', () => {
  let database: TestDatabase;
  let pool: ReturnType<typeof createPool>;
  beforeAll(async () => {
    database = await createTestDatabase('vault');
    pool = createPool({ url: database.url, max: 8, applicationName: 'vault-test', onError: () => {} });
  });
  afterAll(async () => {
    await pool?.end();
    await database?.drop();
  });
  keyStoreContract(() => createPostgresKeyStore(pool));

  it('leaves no byte of a destroyed key in a table, and says so without reading keys', async () => {
    const keys = createPostgresKeyStore(pool);
    const exists = createPostgresKeyExists(pool);
    await keys.findOrCreate('gone', Buffer.alloc(32, 0xa7));
    expect(await exists('gone')).toBe(true);
    expect(await dumpTables(database.url)).toContain('a7'.repeat(32));
    await keys.destroy('gone');
    expect(await exists('gone')).toBe(false);
    expect(await dumpTables(database.url)).not.toContain('a7'.repeat(32));
  });
  it('has no key where a destruction was cut short, and still says that it is there', async () => {
    const keys = createPostgresKeyStore(pool);
    await keys.findOrCreate('half', Buffer.alloc(32, 6));
    await pool.query("insert into vault.destroyed_keys (case_id, destroyed_at) values ('half', now())");
    expect(await keys.find('half')).toBeNull();
    expect(await createPostgresKeyExists(pool)('half')).toBe(true);
    await keys.destroy('half');
    expect(await createPostgresKeyExists(pool)('half')).toBe(false);
  });
  it('has the same key for another process', async () => {
    const other = createPool({ url: database.url, max: 1, applicationName: 'other', onError: () => {} });
    try {
      const key = await createPostgresKeyStore(pool).findOrCreate('shared', Buffer.alloc(32, 9));
      expect(await createPostgresKeyStore(other).findOrCreate('shared', Buffer.alloc(32, 8))).toStrictEqual(
        key,
      );
    } finally {
      await other.end();
    }
  });
});
