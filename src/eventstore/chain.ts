import type { EventMetadata } from '../domain/events.ts';
import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import type { ReadEvent, StoredEvent } from './port.ts';

/** The metadata of an event before its hash is known. */
export type UnsealedMetadata = Omit<EventMetadata, 'hash'>;

/**
 * Links an event into its stream's chain: SHA-256 over the canonical JSON of stream, revision, id, type, data and metadata
 * without the hash. Never over a position or a store's own timestamp, so that a log can be copied between stores.
 *
 * @param data canonical JSON text of the event's data
 * @returns the event as it is stored, and its hash (64 hexadecimal digits)
 */
export function link(
  stream: string,
  revision: number,
  event: { readonly id: string; readonly type: string; readonly data: string },
  metadata: UnsealedMetadata,
): { readonly stored: StoredEvent; readonly hash: string } {
  const hash = hashOf(stream, revision, event, metadata);
  return { hash, stored: { ...event, metadata: canonicalJson({ ...metadata, hash }) } };
}

/**
 * What is wrong with a stream's chain, where. REVISION: the event is not at its place; UNREADABLE: its texts are none that were ever
 * written; LINK: it does not follow the event before it; HASH: it is not what was hashed.
 */
export type BrokenLink = {
  readonly revision: number;
  readonly kind: 'REVISION' | 'UNREADABLE' | 'LINK' | 'HASH';
  readonly problem: string;
};

/**
 * Checks the chain of one stream, from its first event on.
 *
 * @param events all events of one stream, in order
 * @returns every event whose place, link or hash is wrong; empty for an intact chain
 */
export function verifyChain(events: readonly ReadEvent[]): BrokenLink[] {
  const broken: BrokenLink[] = [];
  let prevHash: string | null = null;
  events.forEach((event, index) => {
    const report = (kind: BrokenLink['kind'], problem: string): void => {
      broken.push({ revision: event.revision, kind, problem });
    };
    if (event.revision !== index) report('REVISION', `expected revision ${index}`);
    const read = recompute(event);
    if (!read) report('UNREADABLE', 'cannot be hashed');
    else if (read.prevHash !== prevHash) report('LINK', 'does not link to the event before it');
    if (read && read.hash !== read.computed) report('HASH', 'does not match its hash');
    prevHash = read?.hash ?? null;
  });
  return broken;
}

/** The hashes that an event carries, and the one that it should; null where its texts are not what was ever written. */
function recompute(
  event: ReadEvent,
): { readonly prevHash: string | null; readonly hash: string; readonly computed: string } | null {
  try {
    const { hash, ...metadata } = JSON.parse(event.metadata) as EventMetadata;
    const computed = hashOf(event.stream, event.revision, event, metadata);
    return { prevHash: metadata.prevHash, hash, computed };
  } catch {
    return null;
  }
}

function hashOf(
  stream: string,
  revision: number,
  event: { readonly id: string; readonly type: string; readonly data: string },
  metadata: UnsealedMetadata,
): string {
  const { id, type } = event;
  return sha256Hex(canonicalJson({ stream, revision, id, type, data: JSON.parse(event.data), metadata }));
}
