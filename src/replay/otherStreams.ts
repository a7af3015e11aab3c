import type { DomainEvent } from '../domain/events.ts';
import { sha256Hex } from '../domain/hash.ts';
import { AUTOMATION_STREAM, LOG_STREAM, SEAL_STREAM } from '../domain/identifiers.ts';
import type { Findings } from './findings.ts';
import type { Decoded } from './readEvents.ts';

type Kind = {
  readonly types: readonly DomainEvent['type'][];
  readonly most: number;
  readonly hash: string | null;
};

/**
 * Verifies a stream that is not a case's: it holds what belongs there, and a policy or playbook is what its hash says.
 *
 * @param events from the stream's first on
 */
export function verifyOther(stream: string, events: readonly Decoded[], findings: Findings): void {
  const kind = kindOf(stream);
  if (kind === null) {
    findings.notReplayed('STREAM_OF_LATER_CODE', { stream, revision: 0 }, events.length);
    return;
  }
  for (const [index, each] of events.entries()) {
    const problem = each.kind === 'event' ? problemOf(each.event, index, kind) : null;
    if (each.kind === 'later') findings.notReplayed('EVENT_OF_LATER_CODE', each.raw);
    if (each.kind === 'malformed') findings.mismatch('UNREADABLE', each.raw, each.problem);
    if (problem !== null) findings.mismatch(problem.kind, each.raw, problem.detail);
  }
}

function problemOf(
  { type, data }: DomainEvent,
  index: number,
  { types, most, hash }: Kind,
): { readonly kind: 'LEGALITY' | 'SOURCE'; readonly detail: string } | null {
  if (!types.includes(type) || index >= most)
    return { kind: 'LEGALITY', detail: `${type} does not belong there` };
  if (hash === null || isHashed(data, hash)) return null;
  return { kind: 'SOURCE', detail: 'the source is not what its hash says' };
}

/** The place of streams to come is here. */
function kindOf(stream: string): Kind | null {
  if (stream === LOG_STREAM) return { types: ['LogCreated'], most: 1, hash: null };
  if (stream === AUTOMATION_STREAM)
    return { types: ['AutomationPaused', 'AutomationResumed'], most: Number.POSITIVE_INFINITY, hash: null };
  if (stream === SEAL_STREAM) return { types: ['LogSealed'], most: Number.POSITIVE_INFINITY, hash: null };
  const [, what, hash] = /^(policy|playbook)-([0-9a-f]{64})$/.exec(stream) ?? [];
  if (hash === undefined) return null;
  return { types: [what === 'policy' ? 'PolicyRegistered' : 'PlaybookRegistered'], most: 1, hash };
}

const isHashed = (data: object, hash: string): boolean =>
  'hash' in data && 'source' in data && data.hash === hash && sha256Hex(String(data.source)) === hash;
