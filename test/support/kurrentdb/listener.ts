/** Part of the protocol test server: a test double in memory, not a database. Its port, and the connections to it. */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';

export type Listener = {
  readonly port: number;
  readonly connections: () => number;
  /** Resets every connection; new ones are accepted. */
  readonly disconnect: () => void;
  /** Resets every connection and gives the port back. */
  readonly close: () => Promise<void>;
};

/** The client sends events of up to 16 MiB; only the server's own limits are to refuse them. */
const MAX_MESSAGE_BYTES = 17 * 1024 * 1024;
export const ADDRESS = '127.0.0.1';

/** Serves gRPC on a port of the loopback interface; 0 takes a free one. */
export async function listen(port: number, addServices: (server: Server) => void): Promise<Listener> {
  const grpc = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
  addServices(grpc);
  // The sockets are ours, so that a test can cut them as a lost network would.
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const tcp = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  const bound = await bind(tcp, port);
  const disconnect = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: bound,
    connections: () => sockets.size,
    disconnect,
    close: async () => {
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      disconnect();
      grpc.forceShutdown();
      await closed;
    },
  };
}

function bind(tcp: NetServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(port, ADDRESS, () => {
      const address = tcp.address();
      if (address === null || typeof address === 'string')
        reject(new Error('protocol test server has no port'));
      else resolve(address.port);
    });
  });
}
