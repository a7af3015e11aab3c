import { RefusedError } from '../domain/refusal.ts';
import type { CaseVault, Vault } from '../vault/vault.ts';
import type { CaseStore } from './caseStore.ts';

/**
 * The vault of a case that somebody wants to change.
 *
 * @param field the input that names the case
 * @throws RefusedError CASE_NOT_FOUND, or CASE_KEY_DESTROYED where the case is there but its key is not: without it nothing
 *   can tell a repeat from a new request, so nothing may be done
 */
export async function vaultOfCase(
  deps: { readonly cases: CaseStore; readonly vault: Vault },
  caseId: string,
  field: string,
): Promise<CaseVault> {
  const vault = await deps.vault.of(caseId);
  if (vault) return vault;
  if ((await deps.cases.load(caseId)).opened) throw keyDestroyed(caseId);
  throw new RefusedError('CASE_NOT_FOUND', `there is no case ${caseId}`, field);
}

/** The refusal of a case whose key is gone. */
export const keyDestroyed = (caseId: string): RefusedError =>
  new RefusedError('CASE_KEY_DESTROYED', `the key of case ${caseId} is gone: it can be read, not changed`);
