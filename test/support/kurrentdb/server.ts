/**
 * The protocol test server: a TEST DOUBLE that keeps its log in memory, loses it with the process, and exists so that the
 * adapter can be tested against faults. It is not a database and no substitute for one. It speaks what
 * `@eventstore/db-client` 6.2.1 speaks, on that client's own stubs.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { status } from '@grpc/grpc-js';
import type { Cluster, ClusterNode } from './cluster.ts';
import { createCommitCache } from './commitCache.ts';
import { grpcError } from './errors.ts';
import { createFaults, type Faults, type Method } from './faults.ts';
import { ADDRESS, type Listener, listen } from './listener.ts';
import { createServerLog, type ServerLog } from './log.ts';
import type { Node, NodeEvents } from './node.ts';
import { addServices } from './services.ts';
import { createWriter } from './writer.ts';

export type ProtocolTestServerOptions = {
  /** Joins this server's cluster as a follower: both have one log. */
  readonly joins?: ProtocolTestServer;
  /** Largest append in bytes; default 1 MiB, the strictest of the servers in use (25.1 and later: 256 MiB). */
  readonly maxAppendSize?: number;
  /** Largest event in bytes; default 16 MiB, as 25.1 and later have it. */
  readonly maxAppendEventSize?: number;
  /** What the server waits before it says that a write timed out, in milliseconds; default 2000. */
  readonly writeTimeoutMs?: number;
  /** Milliseconds since the Unix epoch; default the system's clock. */
  readonly now?: () => number;
};

export type ProtocolTestServer = {
  readonly address: string;
  readonly port: number;
  /** For one node: `esdb://127.0.0.1:PORT?tls=false`. */
  readonly connectionString: string;
  /** For a cluster, which is found through gossip: `esdb+discover://127.0.0.1:PORT?tls=false`. */
  readonly discoverConnectionString: string;
  readonly faults: Faults;
  /** Calls so far; an append on the batch stream counts by itself. */
  readonly counts: Readonly<Record<Method, number>>;
  readonly open: () => {
    readonly subscriptions: number;
    readonly batches: number;
    readonly connections: number;
  };
  /** What was written, system events included. */
  readonly log: ServerLog;
  /** Resets all connections and gives the port back; the log stays. */
  readonly stop: () => Promise<void>;
  /** Listens again on the same port. */
  readonly start: () => Promise<void>;
  /** Stop and start: the log stays, the cache of recent commits is lost, as with a real server. */
  readonly restart: () => Promise<void>;
  /** Resets all connections and goes on listening. */
  readonly dropConnections: () => void;
  /** Ends every open subscription: cleanly with OK, or with an error given. */
  readonly endSubscriptions: (code?: status) => void;
  /** Ends every open batch stream: with OK (appends in flight are never answered), or with an error given. */
  readonly endBatches: (code?: status) => void;
  /** Empties the cache of recent commits. */
  readonly forgetCommits: () => void;
  /** Makes this server its cluster's leader. The others answer `requires-leader` calls with a redirect. */
  readonly becomeLeader: () => void;
};

const MIB = 1024 * 1024;
const clusters = new WeakMap<ProtocolTestServer, Cluster>();

/** Starts a protocol test server, a test double, on a free port of 127.0.0.1. */
export async function startProtocolTestServer(
  options: ProtocolTestServerOptions = {},
): Promise<ProtocolTestServer> {
  const now = options.now ?? Date.now;
  const cluster = clusterOf(options.joins, now);
  const cache = createCommitCache();
  const { faults, strike } = createFaults();
  const events = new EventEmitter<NodeEvents>();
  events.setMaxListeners(0);
  let listener: Listener | null = null;
  let port = 0;
  const self: ClusterNode = {
    id: randomUUID(),
    writer: createWriter(cluster.log, cache, now),
    endpoint: () => ({ address: ADDRESS, port }),
    isAlive: () => listener !== null,
  };
  cluster.nodes.push(self);
  cluster.leader ??= self;
  const leader = (): ClusterNode => cluster.leader ?? self;
  const node: Node = {
    log: cluster.log,
    writer: () => leader().writer,
    now,
    events,
    maxAppendSize: options.maxAppendSize ?? MIB,
    maxAppendEventSize: options.maxAppendEventSize ?? 16 * MIB,
    writeTimeoutMs: options.writeTimeoutMs ?? 2000,
    arrive: (call, headers) => {
      node.counts[call.method] += 1;
      const needsLeader = headers.get('requires-leader')[0] === 'true';
      const redirects = needsLeader && leader() !== self;
      return strike(call) ?? (redirects ? { kind: 'notLeader', leader: leader().endpoint() } : null);
    },
    counts: noCalls(),
    open: { subscriptions: 0, batches: 0 },
    disconnect: () => listener?.disconnect(),
    members: () =>
      cluster.nodes.map((member) => ({
        id: member.id,
        ...member.endpoint(),
        isLeader: member === leader(),
        isAlive: member.isAlive(),
      })),
  };

  const start = async (): Promise<void> => {
    if (listener !== null) return;
    listener = await listen(port, (server) => addServices(server, node));
    port = listener.port;
  };
  const stop = async (): Promise<void> => {
    const closing = listener;
    listener = null;
    cache.forget();
    await closing?.close();
  };
  await start();

  const ending = (code?: status) => (code === undefined ? null : grpcError(code, 'ended by a test'));
  const server: ProtocolTestServer = {
    address: ADDRESS,
    port,
    connectionString: `esdb://${ADDRESS}:${port}?tls=false`,
    discoverConnectionString: `esdb+discover://${ADDRESS}:${port}?tls=false`,
    faults,
    counts: node.counts,
    open: () => ({ ...node.open, connections: listener?.connections() ?? 0 }),
    log: cluster.log,
    stop,
    start,
    restart: async () => {
      await stop();
      await start();
    },
    dropConnections: node.disconnect,
    endSubscriptions: (code) => void events.emit('endSubscriptions', ending(code)),
    endBatches: (code) => void events.emit('endBatches', ending(code)),
    forgetCommits: cache.forget,
    becomeLeader: () => {
      cluster.leader = self;
    },
  };
  clusters.set(server, cluster);
  return server;
}

function clusterOf(joined: ProtocolTestServer | undefined, now: () => number): Cluster {
  const cluster = joined && clusters.get(joined);
  return cluster ?? { log: createServerLog(now), nodes: [], leader: null };
}

function noCalls(): Record<Method, number> {
  return {
    append: 0,
    batchAppend: 0,
    read: 0,
    subscribe: 0,
    delete: 0,
    tombstone: 0,
    getSupportedMethods: 0,
    gossip: 0,
  };
}
