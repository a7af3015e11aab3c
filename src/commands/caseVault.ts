import { keyDestroyed, RefusedError } from '../domain/refusal.ts';
import { KeyDestroyedError } from '../vault/port.ts';
import type { CaseVault, Vault } from '../vault/vault.ts';
import type { CaseStore } from './caseStore.ts';

type CaseVaultDependencies = { readonly cases: CaseStore; readonly vault: Vault };

/**
 * The vault of a case that somebody wants to change.
 *
 * @param field the input that names the case
 * @throws RefusedError CASE_NOT_FOUND, or CASE_KEY_DESTROYED where the case is there but its key is not: without it nothing
 *   can tell a repeat from a new request, so nothing may be done
 */
export async function vaultOfCase(
  deps: CaseVaultDependencies,
  caseId: string,
  field: string,
): Promise<CaseVault> {
  const vault = await vaultUnlessDestroyed(deps, caseId);
  if (vault) return vault;
  throw new RefusedError('CASE_NOT_FOUND', `there is no case ${caseId}`, field);
}

/**
 * The vault of a case that is to be opened, its key made where there is no such case yet. A case that was opened before
 * never gets another key: with it, recorded tasks would look new, and be done again.
 *
 * @throws RefusedError CASE_KEY_DESTROYED
 */
export async function vaultOfNewCase(deps: CaseVaultDependencies, caseId: string): Promise<CaseVault> {
  const vault = await vaultUnlessDestroyed(deps, caseId);
  if (vault) return vault;
  try {
    return await deps.vault.create(caseId);
  } catch (error) {
    // Opened and erased since it was looked at.
    throw error instanceof KeyDestroyedError ? keyDestroyed(caseId) : error;
  }
}

async function vaultUnlessDestroyed(deps: CaseVaultDependencies, caseId: string): Promise<CaseVault | null> {
  const vault = await deps.vault.of(caseId);
  if (vault || !(await deps.cases.load(caseId)).opened) return vault;
  throw keyDestroyed(caseId);
}
