/** Part of the protocol test server: a test double in memory, not a database. One write, and the fault it meets. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerErrorResponse } from '@grpc/grpc-js';
import { grpcError, notLeader } from './errors.ts';
import type { Fault, Refusal } from './faults.ts';
import type { Node } from './node.ts';
import type { WriteResult } from './writer.ts';

/** What its caller is to hear of a write. */
export type Answer =
  | { readonly kind: 'result'; readonly result: WriteResult }
  | { readonly kind: 'refusal'; readonly reason: Refusal }
  /** The call ends with this error; on the batch stream the whole stream does. */
  | { readonly kind: 'error'; readonly error: ServerErrorResponse }
  | { readonly kind: 'halfClose' }
  | { readonly kind: 'silence' };

/** Writes unless the fault forbids it, and says what the caller hears. Without a delay the write is done on return. */
export async function performWrite(
  node: Node,
  fault: Fault | null,
  write: () => WriteResult,
): Promise<Answer> {
  if (fault === null) return { kind: 'result', result: write() };
  if (fault.kind === 'delay') return delayed(fault.ms, fault.committed === true, write);
  if (fault.kind === 'notReplicated') return replicated(node, write);
  if ('committed' in fault && fault.committed === true) write();
  switch (fault.kind) {
    case 'error':
      return { kind: 'error', error: grpcError(fault.code, 'injected fault') };
    case 'notLeader':
      return { kind: 'error', error: notLeader(fault.leader) };
    case 'refusal':
      return { kind: 'refusal', reason: fault.reason };
    case 'disconnect':
      node.disconnect();
      return { kind: 'silence' };
    case 'halfClose':
    case 'silence':
      return { kind: fault.kind };
  }
}

async function delayed(ms: number, committedFirst: boolean, write: () => WriteResult): Promise<Answer> {
  const early = committedFirst ? write() : null;
  await sleep(ms, undefined, { ref: false });
  return { kind: 'result', result: early ?? write() };
}

async function replicated(node: Node, write: () => WriteResult): Promise<Answer> {
  const result = write();
  const isDropped = result.kind === 'success' && result.repeated;
  if (!isDropped) return { kind: 'result', result };
  await sleep(node.writeTimeoutMs, undefined, { ref: false });
  return { kind: 'refusal', reason: 'timeout' };
}
