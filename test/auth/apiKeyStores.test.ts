import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryApiKeys } from '../../src/auth/memory.ts';
import type { ApiKeyStore } from '../../src/auth/port.ts';
import { createPostgresApiKeyFinder, createPostgresApiKeys } from '../../src/auth/postgres.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { LATER, NOW, newKey } from './keys.ts';

/** What every store of API keys does. */
function apiKeyStoreContract(create: () => ApiKeyStore): void {
  it('finds nothing at first', async () => {
    expect(await create().find('0123456789abcdef')).toBeNull();
    expect(await create().find("' or true --")).toBeNull();
  });

  it('finds what was added, to the last byte', async () => {
    const keys = create();
    const { key } = newKey({
      actor: 'Zoë "o\'Hara" \\',
      roles: ['OPS', 'A,B', '{"x"}', ''],
      scopes: ['read', 'metrics'],
      createdAt: '2026-01-01T12:00:00.123Z',
    });
    await keys.add(key);
    expect(await keys.find(key.id)).toStrictEqual(key);
    expect(await keys.find(key.id.toUpperCase())).toBeNull();
  });

  it('finds a key without roles', async () => {
    const keys = create();
    const { key } = newKey({ roles: [] });
    await keys.add(key);
    expect(await keys.find(key.id)).toStrictEqual(key);
  });

  it('takes an id once', async () => {
    const keys = create();
    const { key } = newKey();
    await keys.add(key);
    await expect(keys.add({ ...newKey({ actor: 'thief' }).key, id: key.id })).rejects.toThrow();
    expect(await keys.find(key.id)).toStrictEqual(key);
  });

  it('lists the newest first', async () => {
    const keys = create();
    const before = await keys.list();
    const times = [NOW, '2026-01-01T12:00:02.000Z', '2026-01-01T12:00:01.000Z', NOW];
    const made = times.map((createdAt) => newKey({ createdAt }).key);
    for (const key of made) await keys.add(key);
    const [first, second, third, fourth] = made as [ApiKeyOf, ApiKeyOf, ApiKeyOf, ApiKeyOf];
    const added = (await keys.list()).filter(({ id }) => !before.some((other) => other.id === id));
    const tied = first.id < fourth.id ? [first, fourth] : [fourth, first];
    expect(added).toStrictEqual([second, third, ...tied]);
  });

  it('revokes one key, once and for ever', async () => {
    const keys = create();
    const [{ key }, { key: other }] = [newKey(), newKey()];
    await keys.add(key);
    await keys.add(other);
    const revoked = { ...key, revokedAt: NOW };
    expect(await keys.revoke(key.id, NOW)).toStrictEqual(revoked);
    expect(await keys.revoke(key.id, LATER)).toStrictEqual(revoked);
    expect(await keys.find(key.id)).toStrictEqual(revoked);
    expect(await keys.find(other.id)).toStrictEqual(other);
    expect(await keys.revoke('0123456789abcdef', NOW)).toBeNull();
  });
}
type ApiKeyOf = ReturnType<typeof newKey>['key'];

describe('API keys in memory', () => {
  apiKeyStoreContract(createMemoryApiKeys);
});

describe('API keys in Postgres', () => {
  let database: TestDatabase;
  const pools: ReturnType<typeof createPool>[] = [];
  const open = (role: string | null) => {
    const pool = createPool({
      url: database.url,
      max: 2,
      applicationName: 'test',
      onError: () => {},
      role,
    });
    pools.push(pool);
    return pool;
  };
  beforeAll(async () => {
    database = await createTestDatabase('api keys');
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await database.drop();
  });

  let pool: ReturnType<typeof createPool> | null = null;
  const owner = () => {
    pool ??= open(null);
    return pool;
  };
  apiKeyStoreContract(() => createPostgresApiKeys(owner()));

  it('are found by the role of the service, which can make and change none', async () => {
    const { key } = newKey();
    await createPostgresApiKeys(owner()).add(key);
    const service = open('case_orchestrator_service');
    expect(await createPostgresApiKeyFinder(service).find(key.id)).toStrictEqual(key);
    const denied = { code: '42501' };
    const asService = createPostgresApiKeys(service);
    await expect(asService.add(newKey().key)).rejects.toMatchObject(denied);
    await expect(asService.revoke(key.id, NOW)).rejects.toMatchObject(denied);
    await expect(service.query('delete from auth.api_keys')).rejects.toMatchObject(denied);
    await expect(service.query('truncate auth.api_keys')).rejects.toMatchObject(denied);
  });

  it('hold no secret, in any column', async () => {
    const { key, text } = newKey();
    await createPostgresApiKeys(owner()).add(key);
    const { rows } = await owner().query('select k::text as row from auth.api_keys k where id = $1', [
      key.id,
    ]);
    const secret = text.slice(-43);
    expect(rows).toEqual([{ row: expect.stringContaining(key.secretHash.toString('hex')) }]);
    expect(rows[0].row).not.toContain(secret);
    expect(rows[0].row).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
    expect(rows[0].row).not.toContain(Buffer.from(secret).toString('hex'));
  });

  it('that were given a scope by later code have the others', async () => {
    const { key } = newKey();
    await createPostgresApiKeys(owner()).add(key);
    await owner().query(`update auth.api_keys set scopes = '{future,read}' where id = $1`, [key.id]);
    expect((await createPostgresApiKeys(owner()).find(key.id))?.scopes).toEqual(['read']);
  });
});
