import { canonicalJson } from '../domain/hash.ts';
import { verifyChain } from '../eventstore/chain.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { Findings } from './findings.ts';

/**
 * Checks what holds of every stream, whatever it tells: revisions without gaps, the chain, times and positions that never go back,
 * texts as they were written.
 *
 * @param events of one stream, from its first on
 * @param before the event before them, where they are only a part of the stream
 */
export function verifyPlaces(
  events: readonly ReadEvent[],
  findings: Findings,
  before: ReadEvent | null = null,
): void {
  const [first] = events;
  if (!first) return;
  for (const { revision, kind, problem } of verifyChain(before ? [before, ...events] : events)) {
    // A gap is told once, below, and not for every event behind it; and what was told of a part is not told again.
    if (kind !== 'REVISION' && revision !== before?.revision)
      findings.mismatch('CHAIN', { stream: first.stream, revision }, problem);
  }
  for (const event of events) {
    if (!isCanonical(event.data) || !isCanonical(event.metadata))
      findings.mismatch('CHAIN', event, 'is not the canonical JSON that was written');
  }
  verifyOrder(events, findings, before);
}

function verifyOrder(events: readonly ReadEvent[], findings: Findings, before: ReadEvent | null): void {
  let [lastTime, lastPosition, expected] = before
    ? [timeOf(before) ?? '', before.position, before.revision + 1]
    : ['', -1n, 0];
  for (const event of events) {
    const { revision, position } = event;
    const time = timeOf(event) ?? lastTime;
    if (revision !== expected) findings.mismatch('REVISION', event, `expected revision ${expected}`);
    if (position <= lastPosition)
      findings.mismatch('POSITION', event, 'stands in the log before the event before it');
    if (time < lastTime) findings.mismatch('TIME', event, 'was recorded earlier than the event before it');
    [lastTime, lastPosition, expected] = [time, position, revision + 1];
  }
}

/** When an event was recorded, without asking for the rest of its metadata; null where it does not say. */
function timeOf({ metadata }: ReadEvent): string | null {
  try {
    const { recordedAt } = JSON.parse(metadata) as { readonly recordedAt?: unknown };
    return typeof recordedAt === 'string' ? recordedAt : null;
  } catch {
    return null;
  }
}

function isCanonical(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
