import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseSigningKey, type SigningKey } from './keys.ts';

/** A new Ed25519 key: PKCS #8, PEM. */
export const newSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Where a private key lies, and its public half. */
export type KeyFiles = { readonly privateKey: string; readonly publicKey: string };

/** Where the keys of an embedded service lie. */
export const keyFilesIn = (dataDir: string): KeyFiles => keyFilesAt(join(dataDir, 'signing-key.pem'));

/** A private key at a path, and its public half beside it. */
export const keyFilesAt = (privateKey: string): KeyFiles => ({
  privateKey,
  publicKey: `${privateKey.replace(/\.pem$/, '')}.pub.pem`,
});

/**
 * Writes a key, readable by its owner only, and its public half beside it. Never in place of files that are there.
 *
 * @throws the file system's error; EEXIST where there is a key already
 */
export async function writeKeyFiles(files: KeyFiles, pem: string): Promise<SigningKey> {
  const key = parseSigningKey(pem);
  await mkdir(dirname(files.privateKey), { recursive: true });
  await writeNew(files.privateKey, pem, 0o600);
  await writeNew(files.publicKey, key.publicKey, 0o644);
  return key;
}

/**
 * The key at a place; where there is none it is made.
 *
 * @throws KeyGoneError where its public half alone is there; InvalidSigningKeyError; or the file system's error
 */
export async function readOrMakeKey(files: KeyFiles): Promise<SigningKey> {
  const [pem, publicPem] = await Promise.all([readIfThere(files.privateKey), readIfThere(files.publicKey)]);
  if (pem === null && publicPem !== null)
    throw new KeyGoneError(
      `${files.privateKey} is gone, but its public half is there: put the key back; or move ${files.publicKey} to where ` +
        'TRUSTED_KEYS names it, and a new key is made',
    );
  if (pem === null) return writeKeyFiles(files, newSigningKey());
  const key = parseSigningKey(pem);
  if (publicPem === null) await writeNew(files.publicKey, key.publicKey, 0o644);
  return key;
}

/** A private key is gone with which seals may have been signed: a new one must not silently take its place. */
export class KeyGoneError extends Error {
  readonly code = 'SIGNING_KEY_GONE';
}

/** A file's text; null where there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Complete and durable, or not there at all. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const unfinished = `${path}.new-${randomBytes(6).toString('hex')}`;
  const file = await open(unfinished, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(unfinished, path);
  } finally {
    await rm(unfinished);
  }
}
