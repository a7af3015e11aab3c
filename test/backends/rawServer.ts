import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { until } from '../support/until.ts';

/** A server that answers nothing and keeps count of what arrives. */
export type RawServer = {
  readonly port: number;
  readonly connections: () => number;
  /** How many bytes of requests have been read. */
  readonly bytes: () => number;
  /** Begins to read; before that everything stays in the kernel's buffers. */
  readonly read: () => void;
  /** How every connection ended, once they have: with FIN, or with an error's code. */
  readonly ends: () => Promise<readonly string[]>;
  readonly stop: () => Promise<unknown>;
};

/**
 * Starts such a server on a free port of 127.0.0.1.
 *
 * @param certificate for TLS; plain TCP without
 */
export async function startRawServer(
  certificate?: { readonly key: string; readonly cert: string },
  reading = true,
): Promise<RawServer> {
  const sockets: Socket[] = [];
  const ends: string[] = [];
  let bytes = 0;
  const accept = (socket: Socket): void => {
    sockets.push(socket);
    socket.on('error', (error: Error & { readonly code?: string }) => ends.push(error.code ?? 'error'));
    socket.on('end', () => ends.push('FIN'));
    socket.on('data', (chunk) => {
      bytes += chunk.byteLength;
    });
    if (!reading) socket.pause();
  };
  const server: Server = certificate ? createTlsServer(certificate, accept) : createServer(accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    connections: () => sockets.length,
    bytes: () => bytes,
    read: () => {
      for (const socket of sockets) socket.resume();
    },
    ends: () => until('every connection has ended', () => ends.length >= sockets.length && ends),
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
