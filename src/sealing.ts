import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { type Config, InvalidConfigError } from './config.ts';
import type { SealReading } from './runtime/metrics.ts';
import { createFileAnchor } from './seals/fileAnchor.ts';
import { KeyGoneError, keyFilesIn, readIfThere, readOrMakeKey } from './seals/keyFiles.ts';
import {
  InvalidSigningKeyError,
  parseSigningKey,
  parseTrustedKeys,
  type SigningKey,
  type TrustedKeys,
} from './seals/keys.ts';
import { createSealReadings } from './seals/readings.ts';
import { type SealDependencies, sealNow } from './seals/sealer.ts';
import { type SealLoopDependencies, startSealLoop } from './seals/sealLoop.ts';

/** What the configuration says about seals, with its files read. */
export type SealSettings = {
  /** Null where nothing is signed here. */
  readonly key: SigningKey | null;
  /** Keys whose signatures are believed, by id. */
  readonly trusted: TrustedKeys;
  /** Null where seals are kept in the log alone. */
  readonly anchor: string | null;
  /** Whether a key is made at the next start. */
  readonly makesKey: boolean;
};

type SealConfig = Pick<
  Config,
  | 'SIGNING_KEY'
  | 'SIGNING_KEY_FILE'
  | 'TRUSTED_KEYS'
  | 'SEAL_ANCHOR'
  | 'DATA_DIR'
  | 'DATABASE_URL'
  | 'EVENT_STORE'
>;

/**
 * Reads keys and place of the anchor.
 *
 * @param mayMake whether the key of an embedded service is made where there is none
 * @throws InvalidConfigError naming the variable, never the key
 */
export async function readSealSettings(config: SealConfig, mayMake = false): Promise<SealSettings> {
  const key = await readKey(config, mayMake);
  const { TRUSTED_KEYS: file } = config;
  const before = file === undefined ? [] : await readTrusted(file);
  const own = key ? parseTrustedKeys(key.publicKey) : [];
  const anchor = isEmbedded(config) ? join(config.DATA_DIR, 'anchor', 'seals.jsonl') : null;
  return {
    key,
    trusted: new Map([...before, ...own]),
    anchor: config.SEAL_ANCHOR ?? anchor,
    makesKey: key === null && isEmbedded(config),
  };
}

/** What seals a log: everything that is there at each call, in one process one call at a time. Null without a key. */
export function createSealing(
  { key, trusted, anchor }: Pick<SealSettings, 'key' | 'trusted' | 'anchor'>,
  parts: Omit<SealDependencies, 'key' | 'trusted' | 'anchor'>,
): (() => Promise<void>) | null {
  if (!key) return null;
  const deps = { ...parts, key, trusted, anchor: anchor === null ? null : createFileAnchor(anchor) };
  const oneAtATime = pLimit(1);
  return () => oneAtATime(() => sealNow(deps));
}

/** Sealing as a running service does it. */
export type Sealing = {
  /** Seals everything that is in the log at the call; null where nothing is sealed. */
  readonly sealNow: (() => Promise<void>) | null;
  /** Null where nothing is sealed. */
  readonly readings: () => Promise<SealReading | null>;
  /** Seals a last time, in the process that leads, and ends. */
  readonly stop: () => Promise<void>;
};

const UNREADABLE = { number: null, ageSeconds: null, unsealedPositions: null };

/** Seals a log every so often for as long as this process leads. */
export function startSealing(
  settings: SealSettings,
  parts: Parameters<typeof createSealing>[1] & Omit<SealLoopDependencies, 'seal'>,
): Sealing {
  const { store, clock, logger } = parts;
  const sealing = createSealing(settings, parts);
  if (!sealing) {
    logger.info({}, 'nothing is sealed: SIGNING_KEY is not set');
    return { sealNow: null, readings: async () => null, stop: async () => {} };
  }
  const ending = new AbortController();
  const loop = startSealLoop({ ...parts, seal: sealing }, ending.signal);
  const read = createSealReadings(store, clock);
  return {
    sealNow: sealing,
    // What cannot be read must not hide an alarm.
    readings: async () => ({ ...(await read().catch(() => UNREADABLE)), alarm: loop.alarm() !== null }),
    stop: () => {
      ending.abort();
      return loop.ended;
    },
  };
}

/** What is sealed and where, as the end of a sentence. */
export function describeSealing({ key, anchor, makesKey }: SealSettings): string {
  if (!key)
    return makesKey ? 'with a key that the first start makes' : 'none: without SIGNING_KEY nothing is sealed';
  const where = anchor === null ? 'kept in the log alone: set SEAL_ANCHOR' : `also kept in ${anchor}`;
  return `with the key ${key.keyId.slice(0, 16)}, ${where}`;
}

const isEmbedded = ({ DATABASE_URL, EVENT_STORE }: SealConfig): boolean =>
  DATABASE_URL === undefined && EVENT_STORE === 'postgres';

async function readKey(config: SealConfig, mayMake: boolean): Promise<SigningKey | null> {
  const { SIGNING_KEY: pem, SIGNING_KEY_FILE: file, DATA_DIR } = config;
  if (pem !== undefined) return naming('SIGNING_KEY', async () => parseSigningKey(pem));
  if (file !== undefined)
    return naming('SIGNING_KEY_FILE', async () => parseSigningKey(await readFile(file, 'utf8')), file);
  if (!isEmbedded(config)) return null;
  const files = keyFilesIn(DATA_DIR);
  return naming(
    'DATA_DIR',
    async () => {
      if (mayMake) return readOrMakeKey(files);
      const found = await readIfThere(files.privateKey);
      return found === null ? null : parseSigningKey(found);
    },
    files.privateKey,
  );
}

const readTrusted = (file: string): Promise<TrustedKeys> =>
  naming('TRUSTED_KEYS', async () => parseTrustedKeys(await readFile(file, 'utf8')), file);

/** Tells of what fails as of a bad variable. */
async function naming<T>(variable: string, work: () => Promise<T>, file?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const where = file === undefined ? '' : `${file} `;
    if (error instanceof KeyGoneError) throw new InvalidConfigError([`${variable}: ${error.message}`]);
    if (error instanceof InvalidSigningKeyError)
      throw new InvalidConfigError([`${variable}: ${where}${error.message}`]);
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    if (code === null) throw error;
    throw new InvalidConfigError([`${variable}: ${where}cannot be read or written: ${code}`]);
  }
}
