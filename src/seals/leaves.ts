import { createHash } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import type { SealedEvent } from '../domain/seal.ts';
import { link, type UnsealedMetadata } from '../eventstore/chain.ts';
import type { ReadEvent } from '../eventstore/port.ts';

/**
 * An event as a seal covers it. Its hash is computed from what is stored, whatever hash is stored with it; for texts that cannot be
 * hashed as an event, which nobody wrote through the service, it is one over those texts.
 */
export const sealedEventOf = (event: ReadEvent): SealedEvent => ({
  stream: event.stream,
  revision: event.revision,
  hash: hashAsWritten(event) ?? hashAnew(event),
});

/** What tells events apart, wherever they are. */
export const keyOf = ({ stream, revision }: Pick<SealedEvent, 'stream' | 'revision'>): string =>
  `${revision} ${stream}`;

/**
 * The hash that the event carries, where it is one over exactly these texts: as they are canonical JSON already, they need not be parsed.
 * Null where it is not, or the texts are not canonical.
 */
function hashAsWritten({ stream, revision, id, type, data, metadata }: ReadEvent): string | null {
  const [member, hash] = /"hash":"([0-9a-f]{64})",/.exec(metadata) ?? [];
  if (member === undefined || hash === undefined) return null;
  const text =
    `{"data":${data},"id":"${id}","metadata":${metadata.replace(member, '')},` +
    `"revision":${revision},"stream":${JSON.stringify(stream)},"type":${JSON.stringify(type)}}`;
  return createHash('sha256').update(text, 'utf8').digest('hex') === hash ? hash : null;
}

function hashAnew(event: ReadEvent): string {
  const { stream, revision, id, type, data, metadata } = event;
  try {
    const { hash: _, ...unsealed } = JSON.parse(metadata) as UnsealedMetadata & { readonly hash: unknown };
    return link(stream, revision, event, unsealed).hash;
  } catch {
    return sha256Hex(canonicalJson([stream, revision, id, type, data, metadata]));
  }
}
