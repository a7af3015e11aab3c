import { createServer, connect as dial, type Socket } from 'node:net';

/** A TCP proxy that can be shut, which looks like a server that is gone, and opened again on the same port. It can also fall silent. */
export type Gate = {
  /** The target's URL, through the gate. */
  readonly url: string;
  /** Cuts every connection and refuses new ones. */
  readonly shut: () => Promise<void>;
  readonly open: () => Promise<void>;
  /**
   * From now on nothing comes through either way on the connections that there are, and none is closed: a network that
   * swallows everything. With a text: as soon as a client has sent it; the server still gets it.
   */
  readonly fallSilent: (onText?: string) => void;
  readonly close: () => Promise<void>;
};

export async function openGate(target: string): Promise<Gate> {
  const upstream = new URL(target);
  const sockets = new Set<Socket>();
  const clients = new Map<Socket, Socket>();
  let silentOn: string | null = null;
  const fallSilent: Gate['fallSilent'] = (onText) => {
    silentOn = onText ?? null;
    if (onText !== undefined) return;
    for (const [client, other] of clients) {
      client.unpipe(other).pause();
      other.unpipe(client).pause();
    }
  };
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
    clients.set(client, other);
    client.on('close', () => clients.delete(client));
    client.on('data', (chunk) => {
      if (silentOn !== null && chunk.includes(silentOn)) fallSilent();
    });
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
    fallSilent,
    close: shut,
  };
}
