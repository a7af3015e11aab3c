import type { Case, Erasure } from '../domain/case.ts';
import { eraseCase as decideEraseCase } from '../domain/decide.ts';
import type { Actor } from '../domain/events.ts';
import type { Vault } from '../vault/vault.ts';
import type { CaseStore } from './caseStore.ts';
import { type CommandEnvelope, changeByCommand, commandKey } from './changeCase.ts';

/** Who erases by the command line: nothing that was typed there says who it is (rule 10). */
export const ERASE_COMMAND: Actor = {
  kind: 'system',
  id: 'erase-command',
  roles: [],
  authMethod: 'internal',
};

/** An erased case, and whether it had been erased before. */
export type CaseErased = {
  readonly current: Case;
  readonly erased: Erasure;
  readonly replayed: boolean;
};

/**
 * Erases a case: the erasure is recorded, and only then its key destroyed. Said again it destroys the key again, so that what a crash
 * has left half done is finished.
 *
 * @param reason a code
 * @returns when the key is gone
 * @throws RefusedError CASE_NOT_FOUND, ACTION_OPEN, OUTCOME_UNKNOWN or IDEMPOTENCY_KEY_REUSED; what the key store throws, with which
 *   it is recorded and has to be said again
 */
export async function eraseCase(
  deps: { readonly cases: CaseStore; readonly vault: Vault },
  caseId: string,
  reason: string,
  envelope: CommandEnvelope,
): Promise<CaseErased> {
  const vault = await deps.vault.of(caseId);
  // Without the key nothing can be hashed with it, and nothing needs to be: erased again is erased.
  const command = vault && commandKey(vault, envelope, { erase: reason });
  const { current, replayed } = await changeByCommand(deps, caseId, null, envelope, (state) =>
    decideEraseCase(state, reason, command),
  );
  const { erased } = current;
  if (!erased) throw new Error(`case ${caseId} is not erased`);
  await deps.vault.destroy(caseId);
  return { current, erased, replayed };
}
