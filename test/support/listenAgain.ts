import { once } from 'node:events';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where servers of tests listen. */
export const HOST = '127.0.0.1';
const AGAIN_MS = 50;

/** Lets a server listen; the port. */
export async function listenAnywhere(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** Lets a server listen where it did before. Meanwhile the port may have been lent to an outgoing connection of somebody else. */
export async function listenAgain(server: Server, port: number): Promise<void> {
  while (!server.listening) {
    server.listen(port, HOST);
    await once(server, 'listening').catch(() => sleep(AGAIN_MS));
  }
}
