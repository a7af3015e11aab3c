import { randomBytes } from 'node:crypto';
import { type ApiKey, makeApiKey, type NewApiKey } from '../../src/auth/apiKey.ts';

export const NOW = '2026-01-01T12:00:00.000Z';
export const LATER = '2026-01-02T12:00:00.000Z';

/** A key that is valid for a day from NOW, with changes; and its text. */
export const newKey = (changes: Partial<NewApiKey> = {}): { readonly text: string; readonly key: ApiKey } =>
  makeApiKey(
    {
      actor: 'crm',
      roles: ['OPS'],
      scopes: ['read', 'submit'],
      createdAt: NOW,
      expiresAt: LATER,
      ...changes,
    },
    randomBytes,
  );
