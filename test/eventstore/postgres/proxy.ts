import { createServer, connect as dial, type Socket } from 'node:net';

/** What happens to the next request that contains the needle. */
export type Fault = 'none' | 'drop-request' | 'drop-reply' | 'withhold-reply';

export type FaultyProxy = {
  readonly url: string;
  /** From now on every request that contains the needle fails like this, `times` times. */
  readonly fail: (fault: Fault, times: number) => void;
  /** How many requests with the needle came in. */
  readonly requests: () => number;
  readonly close: () => Promise<void>;
};

/**
 * A TCP proxy before Postgres that cuts a connection before the server sees a request, after it has answered it, or
 * swallows the answer and keeps the connection open.
 */
export async function startProxy(target: string, needle: string): Promise<FaultyProxy> {
  const upstreamUrl = new URL(target);
  const sockets = new Set<Socket>();
  let fault: Fault = 'none';
  let left = 0;
  let requests = 0;
  const nextFault = (chunk: Buffer): Fault => {
    if (!chunk.includes(needle)) return 'none';
    requests += 1;
    if (left === 0) return 'none';
    left -= 1;
    return fault;
  };
  const server = createServer((client) => {
    const upstream = dial(Number(upstreamUrl.port), upstreamUrl.hostname);
    let pending: Fault = 'none';
    client.on('data', (chunk) => {
      const next = nextFault(chunk);
      if (next !== 'none') pending = next;
      if (pending === 'drop-request') client.destroy();
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (pending === 'drop-reply') client.destroy();
      else if (pending === 'none') client.write(chunk);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    fail: (kind, times) => {
      fault = kind;
      left = times;
    },
    requests: () => requests,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
