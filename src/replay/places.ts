import { canonicalJson } from '../domain/hash.ts';
import { verifyChain } from '../eventstore/chain.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { Findings } from './findings.ts';

/**
 * Checks what holds of every stream, whatever it tells: revisions without gaps, the chain, times and positions that never go back,
 * texts as they were written.
 *
 * @param events of one stream, from its first on
 */
export function verifyPlaces(events: readonly ReadEvent[], findings: Findings): void {
  const [first] = events;
  if (!first) return;
  for (const { revision, problem } of verifyChain(events)) {
    // A gap is told once, below, and not for every event behind it.
    if (!problem.startsWith('expected revision'))
      findings.mismatch('CHAIN', { stream: first.stream, revision }, problem);
  }
  for (const event of events) {
    if (!isCanonical(event.data) || !isCanonical(event.metadata))
      findings.mismatch('CHAIN', event, 'is not the canonical JSON that was written');
  }
  verifyOrder(events, findings);
}

function verifyOrder(events: readonly ReadEvent[], findings: Findings): void {
  let [lastTime, lastPosition, expected] = ['', -1n, 0];
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
