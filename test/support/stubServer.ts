import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request that a stub server received, with its whole body. */
export type ReceivedRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export type StubServer = {
  /** Such as `http://127.0.0.1:40123`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and cuts every open connection. */
  readonly stop: () => Promise<void>;
};

/** What a stub does with one request that has been read to its end. */
export type Responder = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server on a free port of 127.0.0.1. */
async function startStubServer(respond: Responder): Promise<StubServer> {
  const server = createServer((incoming, response) => {
    response.on('error', () => undefined);
    void text(incoming)
      .then((body) =>
        respond(
          {
            method: incoming.method ?? '',
            path: incoming.url ?? '',
            headers: incoming.headers,
            body,
          },
          response,
        ),
      )
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stub server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Waits before an answer; the timer does not keep the process alive. */
export const delay = (ms: number): Promise<unknown> => sleep(ms, undefined, { ref: false });

/** What every stub with switchable modes offers. */
export type SwitchableStub<Mode> = {
  mode: Mode;
  /** Waited before every answer, in milliseconds. */
  delayMs: number;
  readonly requests: readonly ReceivedRequest[];
  readonly calls: () => number;
  /** The most requests that were open at one time. */
  readonly peak: () => number;
  readonly stop: () => Promise<void>;
};

/** A stub server that answers as its `mode` says at the moment a request has arrived. */
export async function startSwitchableStub<Mode>(
  mode: Mode,
  answer: (mode: Mode, response: ServerResponse) => void,
): Promise<{ readonly stub: SwitchableStub<Mode>; readonly url: string; readonly port: number }> {
  const requests: ReceivedRequest[] = [];
  let open = 0;
  let peak = 0;
  const { url, port, stop } = await startStubServer(async (request, response) => {
    requests.push(request);
    open += 1;
    peak = Math.max(peak, open);
    response.on('close', () => {
      open -= 1;
    });
    const current = stub.mode;
    if (stub.delayMs > 0) await delay(stub.delayMs);
    answer(current, response);
  });
  const stub: SwitchableStub<Mode> = {
    mode,
    delayMs: 0,
    requests,
    calls: () => requests.length,
    peak: () => peak,
    stop,
  };
  return { stub, url, port };
}

/** Sends the status line and the beginning of a body, and never the rest. */
export function stallBody(response: ServerResponse, status: number, beginning: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write(beginning);
}

/** Ends the connection with a TCP reset instead of an answer. */
export function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
