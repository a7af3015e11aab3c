import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { Sealed } from '../domain/events.ts';

/** Bytes in a case's key. */
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = 'v1.';

/** Two keys out of a case's one: for encryption and for hashes, so that neither serves the other's purpose. */
export type CaseKeys = { readonly encryption: Buffer; readonly hashing: Buffer };

/** Kept for as long as whoever found the key keeps it, and no longer: a destroyed key leaves nothing behind. */
const derived = new WeakMap<Buffer, CaseKeys>();

/** Derives a case's working keys from its stored key (HKDF-SHA-256, RFC 5869). */
export function deriveKeys(key: Buffer): CaseKeys {
  const known = derived.get(key);
  if (known) return known;
  const keys = derive(key);
  derived.set(key, keys);
  return keys;
}

function derive(key: Buffer): CaseKeys {
  const of = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, '', `case-orchestrator/${purpose}`, KEY_BYTES));
  return { encryption: of('encryption'), hashing: of('hashing') };
}

/**
 * Encrypts personal text (AES-256-GCM). `context` is authenticated with it, so that a text moved to another case or
 * field does not open there.
 *
 * @param nonce 12 random bytes, never used twice with one key
 */
export function seal(keys: CaseKeys, context: string, text: string, nonce: Buffer): Sealed {
  const cipher = createCipheriv('aes-256-gcm', keys.encryption, nonce);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { sealed: `${PREFIX}${Buffer.concat([nonce, body]).toString('base64url')}` };
}

/**
 * Decrypts personal text.
 *
 * @throws Error when it was sealed with another key or for another context, or was changed
 */
export function open(keys: CaseKeys, context: string, text: Sealed): string {
  const bytes = bytesOf(text);
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', keys.encryption, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const body = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    throw new Error('sealed text does not open: another key or context, or it was changed');
  }
}

function bytesOf({ sealed }: Sealed): Buffer {
  const encoded = sealed.startsWith(PREFIX) ? sealed.slice(PREFIX.length) : '';
  const bytes = Buffer.from(encoded, 'base64url');
  // Encoded again, because decoding passes over what is no base64, and over bits that do not count.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== encoded) {
    throw new Error('sealed text of an unknown format');
  }
  return bytes;
}

/** Keyed hash of a text (HMAC-SHA-256), hexadecimal; `purpose` keeps hashes of different things apart. */
export function keyedHash(keys: CaseKeys, purpose: string, text: string): string {
  return createHmac('sha256', keys.hashing).update(`${purpose}\n${text}`, 'utf8').digest('hex');
}
