import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { hashSecret, parseApiKey } from './apiKey.ts';
import type { Caller } from './caller.ts';
import { CredentialsRefusedError } from './errors.ts';
import type { ApiKeyFinder } from './port.ts';

/** Stands in for the hash of a key that is not there: no secret that anybody could find has it. */
const NO_HASH = Buffer.alloc(32);

/**
 * Makes the check of an API key's text. An unknown id takes the same work as a wrong secret; that a key has expired or was
 * revoked is told only to whoever knows its secret.
 *
 * @returns who the key stands for; the function throws CredentialsRefusedError, and what the finder throws
 */
export function createApiKeyCheck(
  keys: ApiKeyFinder,
  clock: Pick<Clock, 'now'>,
): (text: string) => Promise<Caller> {
  return async (text) => {
    const parts = parseApiKey(text);
    if (!parts) throw new CredentialsRefusedError('the API key is not valid');
    const key = await keys.find(parts.id);
    const matches = timingSafeEqual(hashSecret(parts.secret), key?.secretHash ?? NO_HASH);
    if (!key || !matches) throw new CredentialsRefusedError('the API key is not valid');
    if (key.revokedAt !== null) throw new CredentialsRefusedError('the API key was revoked');
    if (key.expiresAt <= clock.now()) throw new CredentialsRefusedError('the API key has expired');
    return {
      actor: { kind: 'service', id: key.actor, roles: key.roles, authMethod: 'api-key' },
      scopes: key.scopes,
    };
  };
}
