import { createHash } from 'node:crypto';
import type { Scope } from './caller.ts';

/** An API key as it is stored: without its secret. */
export type ApiKey = {
  /** 16 lower-case hexadecimal digits; part of the key's text, and no secret. */
  readonly id: string;
  /** SHA-256 of the secret, 32 bytes. */
  readonly secretHash: Buffer;
  /** Id of the actor that whoever shows the key acts as. */
  readonly actor: string;
  readonly roles: readonly string[];
  readonly scopes: readonly Scope[];
  /** ISO 8601, UTC, as are the other times. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
};

/** What a new key is made of, besides what is drawn for it. */
export type NewApiKey = Omit<ApiKey, 'id' | 'secretHash' | 'revokedAt'>;

const ID_BYTES = 8;
/** 256 bits: nothing that could be guessed, so a fast hash is enough to store it. */
const SECRET_BYTES = 32;
const PREFIX = 'co_';
const API_KEY = /^co_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** Whether a text means to be an API key, well-formed or not. */
export const looksLikeApiKey = (text: string): boolean => text.startsWith(PREFIX);

/** The parts of an API key's text `co_<id>_<secret>`; null when it is none. */
export function parseApiKey(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = API_KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** What is stored of a secret: SHA-256 of its text. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/**
 * Makes an API key: its text, to be shown once to whoever will use it, and what is stored of it.
 *
 * @param randomBytes so many bytes of cryptographic randomness
 */
export function makeApiKey(
  properties: NewApiKey,
  randomBytes: (size: number) => Buffer,
): { readonly text: string; readonly key: ApiKey } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return {
    text: `${PREFIX}${id}_${secret}`,
    key: { ...properties, id, secretHash: hashSecret(secret), revokedAt: null },
  };
}
