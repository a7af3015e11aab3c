import { connect as dial, type Socket } from 'node:net';
import type { LinkTrouble } from './postgresLink.ts';
import {
  createFramer,
  createRequestReader,
  errorResponse,
  readyForQuery,
  type WireRequest,
  writes,
} from './postgresWire.ts';

/** One connection through a link. */
export type LinkSession = {
  /** Lets bytes through, from the beginning or again; what was held is delivered then. */
  readonly go: () => void;
  /** Lets nothing through, and closes nothing. */
  readonly hold: () => void;
  readonly cut: () => void;
};

export type SessionOptions = {
  readonly client: Socket;
  readonly target: () => { readonly host: string; readonly port: number };
  readonly trouble: () => LinkTrouble;
  readonly onRequest: (request: WireRequest) => void;
};

export function openSession({ client, target, trouble, onRequest }: SessionOptions): LinkSession {
  let upstream: Socket | null = null;
  const readRequests = createRequestReader();
  const readAnswers = createFramer(false);
  let status = 'I';
  /** A statement was failed within a transaction of which the server knows nothing: only a rollback may follow. */
  let doomed = false;
  let losing = false;

  const cut = (): void => {
    client.destroy();
    upstream?.destroy();
  };
  const failWrite = (sqlstate: string): void => {
    doomed = status === 'T';
    client.write(Buffer.concat([errorResponse('ERROR', sqlstate), readyForQuery(doomed ? 'E' : 'I')]));
  };
  const turnAway = (sqlstate: string): void => {
    client.end(errorResponse('FATAL', sqlstate));
    upstream?.destroy();
  };
  const pass = (request: WireRequest): void => {
    onRequest(request);
    const wrong = trouble();
    const mayGoOn = !doomed || /^\s*rollback/i.test(request.sql);
    doomed = false;
    if (!mayGoOn) cut();
    else if (wrong.kind === 'turnedAway') {
      turnAway(request.kind === 'startup' ? wrong.sqlstate : wrong.goodbye);
    } else if (wrong.kind === 'writesFail' && writes(request.sql)) failWrite(wrong.sqlstate);
    else {
      losing = wrong.kind === 'answersLost' && writes(request.sql) && wrong.loses();
      upstream?.write(request.bytes);
    }
  };
  const passBack = (chunk: Buffer): void => {
    const ready = readAnswers(chunk).findLast(({ type }) => type === 'Z');
    if (ready) status = ready.bytes.toString('latin1', 5, 6);
    if (!losing) client.write(chunk);
    // By now it is done.
    else if (ready) cut();
  };
  const start = (): void => {
    const { host, port } = target();
    const other = dial(port, host);
    upstream = other;
    other.setNoDelay(true);
    other.on('error', () => {});
    other.on('close', () => client.end());
    other.on('data', passBack);
    client.on('data', (chunk: Buffer) => {
      for (const request of readRequests(chunk)) if (!client.destroyed) pass(request);
    });
    // What has been handed over before an orderly end is still delivered.
    client.on('close', (hadError) => (hadError ? other.destroy() : other.end()));
  };

  client.setNoDelay(true);
  client.on('error', () => {});
  client.pause();
  return {
    go: () => {
      if (client.destroyed) return;
      if (!upstream) start();
      client.resume();
      upstream?.resume();
    },
    hold: () => {
      client.pause();
      upstream?.pause();
    },
    cut,
  };
}
