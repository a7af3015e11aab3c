import { createServer, type Socket } from 'node:net';
import { HOST, listenAgain, listenAnywhere } from './listenAgain.ts';
import { type LinkSession, openSession } from './postgresLinkSession.ts';
import type { WireRequest } from './postgresWire.ts';

/** What is wrong with the way to Postgres. */
export type LinkTrouble =
  | { readonly kind: 'none' }
  /** Every connection is cut, and new ones are refused. */
  | { readonly kind: 'cut' }
  /** Nothing comes through either way, and no connection is closed, old or new: a network that swallows everything. */
  | { readonly kind: 'silent' }
  /** Statements that write are answered with an error: disk full (53100), read-only (25006). */
  | { readonly kind: 'writesFail'; readonly sqlstate: string }
  /** New connections are answered with a fatal error: 53300, 57P03. Those that there are get `goodbye` at their next statement. */
  | { readonly kind: 'turnedAway'; readonly sqlstate: string; readonly goodbye: string }
  /** Some statements that write are done, and the connection ends before their answer. */
  | { readonly kind: 'answersLost'; readonly loses: () => boolean };

/** A proxy before one Postgres, for one service, at an address that stays. It speaks enough of the protocol to answer in its place. */
export type PostgresLink = {
  readonly url: (target: string) => string;
  /** Where Postgres is now; for connections from now on. */
  readonly leadTo: (port: number) => void;
  readonly disturb: (trouble: LinkTrouble) => Promise<void>;
  /**
   * Ends whatever is wrong.
   *
   * @param held what becomes of what was swallowed in silence: it is delivered after all, or its connections are cut
   */
  readonly heal: (held?: 'deliver' | 'cut') => Promise<void>;
  readonly close: () => Promise<void>;
};

/** @param onRequest sees every request that a client makes, whatever becomes of it */
export async function openPostgresLink(
  onRequest: (request: WireRequest) => void = () => {},
): Promise<PostgresLink> {
  const sessions = new Set<LinkSession>();
  let trouble: LinkTrouble = { kind: 'none' };
  let target = 0;
  const server = createServer((client: Socket) => {
    const session = openSession({
      client,
      target: () => ({ host: HOST, port: target }),
      trouble: () => trouble,
      onRequest,
    });
    sessions.add(session);
    client.on('close', () => sessions.delete(session));
    if (trouble.kind !== 'silent') session.go();
  });
  const ownPort = await listenAnywhere(server);
  const shut = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.cut();
    return closed;
  };

  return {
    url: (original) => {
      const url = new URL(original);
      url.hostname = HOST;
      url.port = String(ownPort);
      return url.href;
    },
    leadTo: (port) => {
      target = port;
    },
    disturb: async (next) => {
      trouble = next;
      if (next.kind === 'cut' && server.listening) await shut();
      if (next.kind === 'silent') for (const session of sessions) session.hold();
    },
    heal: async (held = 'cut') => {
      const before = trouble.kind;
      trouble = { kind: 'none' };
      await listenAgain(server, ownPort);
      if (before === 'silent') {
        for (const session of [...sessions]) {
          if (held === 'cut') session.cut();
          else session.go();
        }
      }
    },
    close: async () => {
      if (server.listening) await shut();
    },
  };
}
