import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A value that JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * The canonical JSON text of a value (RFC 8785): keys sorted, numbers as ECMAScript prints them.
 * The same value gives the same bytes everywhere, which is what hashes and comparisons rest on.
 *
 * @throws TypeError when the value has no JSON form (undefined, a function, a BigInt, NaN or an infinity), or holds a
 * lone surrogate, which RFC 8785 refuses.
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new TypeError(`value has no canonical JSON form: ${error instanceof Error ? error.message : ''}`);
  }
  if (text === undefined) throw new TypeError('value has no canonical JSON form');
  return text;
}

/** SHA-256 over the UTF-8 bytes of a text, as 64 lower-case hexadecimal digits. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
