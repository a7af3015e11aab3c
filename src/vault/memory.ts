import { KeyDestroyedError, type KeyStore } from './port.ts';

/** A key store in memory, for tests. */
export function createMemoryKeyStore(): KeyStore {
  const keys = new Map<string, Buffer>();
  const destroyed = new Set<string>();
  return {
    find: async (caseId) => keys.get(caseId) ?? null,
    findOrCreate: async (caseId, candidate) => {
      if (destroyed.has(caseId)) throw new KeyDestroyedError(caseId);
      const kept = keys.get(caseId) ?? candidate;
      keys.set(caseId, kept);
      return kept;
    },
    destroy: async (caseId) => {
      destroyed.add(caseId);
      keys.delete(caseId);
    },
  };
}
