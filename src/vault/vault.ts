import type { Sealed } from '../domain/events.ts';
import { type CaseKeys, deriveKeys, KEY_BYTES, keyedHash, open, seal } from './cipher.ts';
import type { KeyStore } from './port.ts';

/** What can be done with one case's key. */
export type CaseVault = {
  /** Encrypts a personal text for one field of the case's events. */
  readonly seal: (field: string, text: string) => Sealed;
  /** The clear text of a field; null when it was not sealed with this key for this case and field, or was changed. */
  readonly open: (field: string, text: Sealed) => string | null;
  /** A hash of personal text, keyed with the case's key; hexadecimal. */
  readonly hash: (purpose: string, text: string) => string;
};

export type Vault = {
  /** The vault of a case; null where its key does not exist, or was destroyed. */
  readonly of: (caseId: string) => Promise<CaseVault | null>;
  /** The vault of a case that is about to be opened: its key is durable when this resolves. Rejects with KeyDestroyedError. */
  readonly create: (caseId: string) => Promise<CaseVault>;
  /** Destroys a case's key for good: what was sealed with it stays as it is, and nobody opens it again. */
  readonly destroy: (caseId: string) => Promise<void>;
};

/** Fields whose text is personal, as they are named in the authenticated context. */
export const PERSONAL_FIELDS = {
  description: 'TaskReceived.description',
  rawText: 'DecisionRecommended.rawText',
  note: 'CaseNoteAdded.text',
  reviewNote: 'ReviewDecided.note',
  outcomeNote: 'ActionOutcomeResolved.review.note',
  attribute: (name: string): string => `CaseOpened.personalAttributes.${name}`,
} as const;

/**
 * Encrypts personal text with a key per case (DESIGN section 5).
 *
 * @param randomBytes cryptographically strong random bytes
 */
export function createVault(keys: KeyStore, randomBytes: (size: number) => Buffer): Vault {
  const vaultOf = (caseId: string, derived: CaseKeys): CaseVault => {
    const context = (field: string): string => `case-${caseId} ${field}`;
    return {
      seal: (field, text) => seal(derived, context(field), text, randomBytes(12)),
      open: (field, text) => openOrNull(derived, context(field), text),
      hash: (purpose, text) => keyedHash(derived, purpose, text),
    };
  };
  return {
    of: async (caseId) => {
      const key = await keys.find(caseId);
      return key && vaultOf(caseId, deriveKeys(key));
    },
    create: async (caseId) => {
      const key = await keys.findOrCreate(caseId, randomBytes(KEY_BYTES));
      return vaultOf(caseId, deriveKeys(key));
    },
    destroy: keys.destroy,
  };
}

/** A text that does not open is as good as one whose key was destroyed: whoever needs it hands over to a person. */
function openOrNull(keys: CaseKeys, context: string, text: Sealed): string | null {
  try {
    return open(keys, context, text);
  } catch {
    return null;
  }
}
