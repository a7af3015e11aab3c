import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import { type LogSealed, SEAL_FORMAT, type SealedEvent, type SealStatement } from '../domain/seal.ts';
import { isSignedBy, type SigningKey, type TrustedKeys } from './keys.ts';
import { leafOf, merkleTree } from './merkle.ts';

/** A statement and its signature. */
export type Seal = LogSealed['data'];

/** So many events are covered by one seal at most: a proof stays short, and what is wrong is near. */
export const MOST_SEALED = 4_096;

/**
 * Seals events of a log.
 *
 * @param before the seal before; null for the first
 * @param events those that follow what it covers, in the order of the log, without a gap
 * @param now ISO 8601
 * @throws RangeError for no events, or more than MOST_SEALED
 */
export function sealEvents(
  logId: string,
  before: SealStatement | null,
  events: readonly SealedEvent[],
  now: string,
  key: SigningKey,
): Seal {
  const last = events.at(-1);
  if (!last || events.length > MOST_SEALED) throw new RangeError(`a seal covers 1 to ${MOST_SEALED} events`);
  const statement: SealStatement = {
    format: SEAL_FORMAT,
    logId,
    number: before ? before.number + 1 : 0,
    start: before ? before.start + before.count : 0,
    count: events.length,
    root: rootOf(events),
    last: { stream: last.stream, revision: last.revision, hash: last.hash },
    previous: before && statementHash(before),
    sealedAt: now,
    keyId: key.keyId,
  };
  return { statement, signature: key.sign(canonicalJson(statement)) };
}

/** The root over events in their order; 64 hexadecimal digits. */
export const rootOf = (events: readonly SealedEvent[]): string =>
  merkleTree(events.map(leafOf)).root.toString('hex');

/** What the next statement names a statement by; 64 hexadecimal digits. */
export const statementHash = (statement: SealStatement): string => sha256Hex(canonicalJson(statement));

/** Whether a trusted key has signed it: `UNTRUSTED_KEY` where its key is not among them, `BAD_SIGNATURE` where it has not. */
export function signatureProblem(
  { statement, signature }: Seal,
  trusted: TrustedKeys,
): 'UNTRUSTED_KEY' | 'BAD_SIGNATURE' | null {
  const key = trusted.get(statement.keyId);
  if (!key) return 'UNTRUSTED_KEY';
  return isSignedBy(key, canonicalJson(statement), signature) ? null : 'BAD_SIGNATURE';
}

/** Whether two seals are the same to the byte. */
export const isSameSeal = (one: Seal, other: Seal): boolean =>
  one.signature === other.signature && canonicalJson(one.statement) === canonicalJson(other.statement);
