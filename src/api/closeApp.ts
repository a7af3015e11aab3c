import type { FastifyInstance } from 'fastify';

/** How often connections are closed that have become idle meanwhile. */
const SWEEP_MS = 50;

/**
 * Stops taking requests and lets those under way be answered. A connection whose answer was under way is idle afterwards,
 * and a client that keeps it alive would hold up the end for as long as it likes.
 *
 * @param milliseconds after which every connection is cut, whatever is under way
 */
export async function closeApp(app: FastifyInstance, milliseconds: number): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => app.server.closeAllConnections(), milliseconds);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
