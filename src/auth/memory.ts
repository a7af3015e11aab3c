import type { ApiKey } from './apiKey.ts';
import type { ApiKeyStore } from './port.ts';

/** API keys in memory, for tests. */
export function createMemoryApiKeys(): ApiKeyStore {
  const keys = new Map<string, ApiKey>();
  return {
    find: async (id) => keys.get(id) ?? null,
    add: async (key) => {
      if (keys.has(key.id)) throw new Error(`there is an API key ${key.id} already`);
      keys.set(key.id, key);
    },
    list: async () => [...keys.values()].sort(newestFirst),
    revoke: async (id, at) => {
      const key = keys.get(id);
      if (!key) return null;
      const revoked = { ...key, revokedAt: key.revokedAt ?? at };
      keys.set(id, revoked);
      return revoked;
    },
  };
}

/** By id where two were made at once. */
const newestFirst = (a: ApiKey, b: ApiKey): number => {
  const [first, second] = [`${b.createdAt} ${a.id}`, `${a.createdAt} ${b.id}`];
  return first < second ? -1 : 1;
};
