/** Part of the protocol test server: a test double in memory, not a database. Servers that share one log. */
import type { ServerLog } from './log.ts';
import type { Writer } from './writer.ts';

/** One server of a cluster; all but `writer` change while it runs. */
export type ClusterNode = {
  readonly id: string;
  readonly writer: Writer;
  readonly endpoint: () => { readonly address: string; readonly port: number };
  readonly isAlive: () => boolean;
};

export type Cluster = {
  readonly log: ServerLog;
  readonly nodes: ClusterNode[];
  leader: ClusterNode | null;
};
