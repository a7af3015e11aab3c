import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { HOST, listenAgain, listenAnywhere } from './listenAgain.ts';

/** An HTTP server on a port that it keeps, which can refuse connections for a while, as a server that is gone does. */
export type RefusableServer = {
  /** Such as `http://127.0.0.1:40123`, without a slash at the end. */
  readonly url: string;
  /** Cuts every connection, and refuses new ones until `accept`. */
  readonly refuse: () => Promise<void>;
  readonly accept: () => Promise<void>;
};

/** Answers one request that has been read to its end. */
export type Serve = (
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
) => void | Promise<void>;

export async function startRefusableServer(serve: Serve): Promise<RefusableServer> {
  const server = createServer((request, response) => {
    response.on('error', () => {});
    text(request)
      .then((body) => serve(request, body, response))
      .catch(() => response.destroy());
  });
  const port = await listenAnywhere(server);
  return {
    url: `http://${HOST}:${port}`,
    refuse: async () => {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
    accept: () => listenAgain(server, port),
  };
}
