import { createServer, connect as dial, type Socket } from 'node:net';

/** A TCP proxy that can be shut, which looks like a server that is gone, and opened again on the same port. */
export type Gate = {
  /** The target's URL, through the gate. */
  readonly url: string;
  /** Cuts every connection and refuses new ones. */
  readonly shut: () => Promise<void>;
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function openGate(target: string): Promise<Gate> {
  const upstream = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const other = dial(Number(upstream.port), upstream.hostname);
    for (const [socket, peer] of [
      [client, other],
      [other, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        peer.destroy();
      });
    }
    client.pipe(other);
    other.pipe(client);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the gate has no port');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  const shut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: url.href,
    shut,
    open: async () => {
      if (!server.listening) await listen(address.port);
    },
    close: shut,
  };
}
