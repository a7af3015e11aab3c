/** Part of the protocol test server: a test double in memory, not a database. What all handlers of one server share. */
import type { EventEmitter } from 'node:events';
import type { Metadata, ServerErrorResponse } from '@grpc/grpc-js';
import type { Call, Fault, Method } from './faults.ts';
import type { ServerLog } from './log.ts';
import type { Writer } from './writer.ts';

/** Asks every open call of its kind to end; with OK when no error is given. */
export type NodeEvents = {
  endSubscriptions: [error: ServerErrorResponse | null];
  endBatches: [error: ServerErrorResponse | null];
};

/** A node of the cluster as gossip tells of it. */
export type Member = {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly isLeader: boolean;
  readonly isAlive: boolean;
};

export type Node = {
  readonly log: ServerLog;
  /** Writes go to the leader's, wherever they arrive. */
  readonly writer: () => Writer;
  readonly now: () => number;
  readonly events: EventEmitter<NodeEvents>;
  readonly maxAppendSize: number;
  readonly maxAppendEventSize: number;
  /** How long the server waits before it tells that a write timed out, in milliseconds. */
  readonly writeTimeoutMs: number;
  /** Counts a call and says which fault it meets, if any. */
  readonly arrive: (call: Call, headers: Metadata) => Fault | null;
  readonly counts: Record<Method, number>;
  readonly open: { subscriptions: number; batches: number };
  /** Cuts every connection. */
  readonly disconnect: () => void;
  /** Every node of the cluster, this one included. */
  readonly members: () => readonly Member[];
};
