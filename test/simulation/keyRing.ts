import { type CaseKeys, deriveKeys, open } from '../../src/vault/cipher.ts';
import { createMemoryKeyStore } from '../../src/vault/memory.ts';
import type { KeyStore } from '../../src/vault/port.ts';
import { PERSONAL_FIELDS } from '../../src/vault/vault.ts';
import type { LedgerTask } from './oracle/ledger.ts';

/** Where case keys are kept, with a look into what they seal. */
export type KeyRing = {
  readonly store: KeyStore;
  /** The text of a task in clear. */
  readonly textOf: (task: Pick<LedgerTask, 'taskId' | 'caseId' | 'description'>) => string;
};

export function createKeyRing(): KeyRing {
  const keys = createMemoryKeyStore();
  /** Every key that ever was: what was said stays known here, whatever is erased. */
  const made = new Map<string, Buffer>();
  const derived = new Map<string, CaseKeys>();
  const texts = new Map<string, string>();
  const keysOf = (caseId: string): CaseKeys => {
    const known = derived.get(caseId) ?? deriveKeys(made.get(caseId) ?? Buffer.alloc(0));
    derived.set(caseId, known);
    return known;
  };
  return {
    store: {
      ...keys,
      findOrCreate: async (caseId, candidate) => {
        const kept = await keys.findOrCreate(caseId, candidate);
        made.set(caseId, kept);
        return kept;
      },
    },
    textOf: ({ taskId, caseId, description }) => {
      const known =
        texts.get(taskId) ??
        open(keysOf(caseId), `case-${caseId} ${PERSONAL_FIELDS.description}`, description);
      texts.set(taskId, known);
      return known;
    },
  };
}
