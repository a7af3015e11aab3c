import type { KeyStore } from './port.ts';

/** A key store in memory, for tests. */
export function createMemoryKeyStore(): KeyStore {
  const keys = new Map<string, Buffer>();
  return {
    find: async (caseId) => keys.get(caseId) ?? null,
    findOrCreate: async (caseId, candidate) => {
      const kept = keys.get(caseId) ?? candidate;
      keys.set(caseId, kept);
      return kept;
    },
  };
}
