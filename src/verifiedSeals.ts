import { access, readFile } from 'node:fs/promises';
import type { Config } from './config.ts';
import type { VerifiedSeals } from './replay/verifyLog.ts';
import { readSealSettings } from './sealing.ts';
import { readAnchor } from './seals/fileAnchor.ts';
import { parseTrustedKeys } from './seals/keys.ts';

/** Files that the person who verifies names in place of those of the configuration. */
export type SealFiles = { readonly anchor?: string | undefined; readonly publicKey?: string | undefined };

/**
 * What seals are verified with: the anchor and the keys of the configuration, or those that somebody brings along.
 *
 * @throws InvalidConfigError, InvalidSigningKeyError, or the file system's error for a file that was named and is not there
 */
export async function verifiedSeals(config: Config, files: SealFiles = {}): Promise<VerifiedSeals> {
  const settings = await readSealSettings(config);
  const trusted =
    files.publicKey === undefined
      ? settings.trusted
      : parseTrustedKeys(await readFile(files.publicKey, 'utf8'));
  if (files.anchor !== undefined) {
    await access(files.anchor);
    return { trusted, anchor: readAnchor(files.anchor) };
  }
  const { anchor } = settings;
  if (anchor === null) return { trusted, anchor: null };
  const isThere = await access(anchor).then(
    () => true,
    () => false,
  );
  return { trusted, anchor: isThere ? readAnchor(anchor) : 'MISSING' };
}
