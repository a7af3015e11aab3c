/** Part of the protocol test server: a test double in memory, not a database. The server's limits on an append's size. */
import type { Refusal } from './faults.ts';
import type { ProposedEvent } from './log.ts';
import type { Node } from './node.ts';

/** Why an append of these events is too large; null when it is not. */
export function sizeRefusal(node: Node, events: readonly ProposedEvent[]): Refusal | null {
  const sizes = events.map(({ type, data, metadata }) => type.length * 2 + data.length + metadata.length);
  if (sizes.some((size) => size > node.maxAppendEventSize)) return 'maximumAppendEventSizeExceeded';
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return total > node.maxAppendSize ? 'maximumAppendSizeExceeded' : null;
}
