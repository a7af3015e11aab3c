import type { Case } from '../domain/case.ts';
import { openCase as decideOpenCase } from '../domain/decide.ts';
import type { Actor, AttributeValue, CaseOpened } from '../domain/events.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { Priority } from '../domain/vocabulary.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import { type CaseStore, type Decide, REQUEST_PATIENCE } from './caseStore.ts';
import { vaultOfNewCase } from './caseVault.ts';

/** A case to be opened; an imported one may start with failures behind it. */
export type OpenCase = {
  readonly caseId: string;
  readonly priority: Priority;
  readonly lastErrorType: string | null;
  readonly retryCount: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Attributes that are personal text: stored encrypted. */
  readonly personalAttributes: Readonly<Record<string, string>>;
};

/**
 * Opens a case; its key is durable before its first event.
 *
 * @returns the case, and whether it was open with the same content before
 * @throws RefusedError CASE_EXISTS, CASE_KEY_DESTROYED
 */
export async function openCase(
  deps: { readonly cases: CaseStore; readonly vault: Vault },
  content: OpenCase,
  actor: Actor,
  traceparent: string | null,
): Promise<{ readonly current: Case; readonly replayed: boolean }> {
  const vault = await vaultOfNewCase(deps, content.caseId);
  const opened = openedEvent(content, vault);
  const context = { actor, correlationId: null, causationId: null, traceparent };
  const decide: Decide<boolean> = (state) => {
    const { events, replayed } = decideOpenCase(state, opened);
    return { events, result: replayed };
  };
  const { current, result } = await deps.cases.change(content.caseId, context, decide, REQUEST_PATIENCE);
  return { current, replayed: result };
}

function openedEvent(content: OpenCase, vault: CaseVault): CaseOpened {
  const { priority, lastErrorType, retryCount, attributes, personalAttributes } = content;
  const sealed = Object.entries(personalAttributes).map(([name, text]) => [
    name,
    vault.seal(PERSONAL_FIELDS.attribute(name), text),
  ]);
  return {
    type: 'CaseOpened',
    data: {
      priority,
      lastErrorType,
      retryCount,
      attributes,
      personalAttributes: Object.fromEntries(sealed),
      contentHash: vault.hash('case-content', canonicalJson(content)),
    },
  };
}
