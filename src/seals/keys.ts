import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** Signs for this service; whoever has its public key can check it. */
export type SigningKey = {
  /** SHA-256 over the public key (DER, SubjectPublicKeyInfo), hexadecimal. */
  readonly keyId: string;
  /** PEM. */
  readonly publicKey: string;
  /** Ed25519 over the text's UTF-8 bytes, in base64. */
  readonly sign: (text: string) => string;
};

/** Public keys that signatures are believed from, by key id. */
export type TrustedKeys = ReadonlyMap<string, KeyObject>;

/** A key that cannot be used, with the reason; never with the key. */
export class InvalidSigningKeyError extends Error {
  readonly code = 'INVALID_SIGNING_KEY';
}

/**
 * @param pem an Ed25519 private key (PKCS #8); in an environment variable its line breaks may be written as \n
 * @throws InvalidSigningKeyError
 */
export function parseSigningKey(pem: string): SigningKey {
  const key = readKey(() => createPrivateKey(pem.replaceAll('\\n', '\n')), 'private');
  const publicKey = createPublicKey(key);
  return {
    keyId: keyIdOf(publicKey),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64'),
  };
}

/**
 * @param pem one Ed25519 public key (SubjectPublicKeyInfo) or several, one behind the other
 * @throws InvalidSigningKeyError
 */
export function parseTrustedKeys(pem: string): TrustedKeys {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw new InvalidSigningKeyError('holds no public key (PEM, BEGIN PUBLIC KEY)');
  return new Map(
    blocks.map((block) => {
      const key = readKey(() => createPublicKey(block), 'public');
      return [keyIdOf(key), key];
    }),
  );
}

/** Whether a signature (base64) over a text was made with a key. */
export function isSignedBy(key: KeyObject, text: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  // Decoding passes over what is no base64, so a changed signature could still be one.
  return bytes.toString('base64') === signature && verify(null, Buffer.from(text, 'utf8'), key, bytes);
}

/** The id of a public key: SHA-256 over its DER form, hexadecimal. */
const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

function readKey(read: () => KeyObject, kind: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new InvalidSigningKeyError(`must be an Ed25519 ${kind} key in PEM`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new InvalidSigningKeyError(
    `must be an Ed25519 ${kind} key, but is ${key.asymmetricKeyType ?? 'another one'}`,
  );
}
