import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import { answerError, connectError } from './exchangeErrors.ts';
import type { Connect } from './guardedConnector.ts';
import type { HttpRequest } from './requestTemplate.ts';

/** How much of an answer is read and hashed; the rest is thrown away with the connection. */
const BODY_LIMIT = 1024 * 1024;

/** What came of sending one request. */
export type Exchange =
  /** Certain: no byte of the request left this process. */
  | { readonly kind: 'notSent'; readonly errorType: string }
  /** The request may have arrived, and no status line came back. */
  | { readonly kind: 'noAnswer'; readonly errorType: string }
  /** `digest` is the SHA-256 of the body's first 1 MiB; null without a body, or when it broke off. */
  | { readonly kind: 'answered'; readonly status: number; readonly digest: string | null };

/** The time that a started exchange has left. */
export type TimeLeft = {
  /** Aborts when the time is up. */
  readonly signal: AbortSignal;
  /** Whether a request may be written now, by the monotonic clock: a timer comes late where the process was held up. */
  readonly maySend: () => boolean;
  /** The errorType of what could not be sent in time; null where the deadline left the whole time-out, and something else took too long. */
  readonly lateBecause: 'NOT_SENT_IN_TIME' | null;
};

export type ExchangeOptions = {
  readonly origin: string;
  readonly method: string;
  readonly request: HttpRequest;
  readonly connect: Connect;
  /** Ends the exchange wherever it stands. */
  readonly time: TimeLeft;
};

/**
 * Sends one request over a connection of its own and reads the answer. Never rejects.
 *
 * A fresh connection for each request, made once at most: only then is it certain whether the request can have been sent, and
 * nothing can send it a second time. A kept-alive connection that the server is just closing would give UNKNOWN for nothing.
 *
 * Nothing is written once the time is up: the clock is asked just before the request is handed to the socket. What is handed over in
 * time may still arrive late, and that window cannot be closed from here: the kernel sends when the receiver's window and the
 * network let it, and repeats what is lost. It is narrowed: when the time is up without an answer the connection is reset, so that
 * the kernel throws away what it still holds. What has left the machine by then, or waits unread at the receiver, takes its course.
 */
export function exchange(options: ExchangeOptions): Promise<Exchange> {
  const { signal, maySend, lateBecause } = options.time;
  const unsent = lateBecause ?? 'CONNECT_TIMEOUT';
  return new Promise((resolve) => {
    let state: 'idle' | 'connecting' | 'sent' | 'over' = 'idle';
    let tcp: Socket | null = null;
    const answer = createAnswer();

    const finish = (result: Exchange): void => {
      if (state === 'over') return;
      state = 'over';
      signal.removeEventListener('abort', onAbort);
      resolve(result);
      client.destroy().catch(() => undefined);
    };
    const breakOff = (errorType: string): void => {
      const status = answer.status();
      if (status !== null) finish({ kind: 'answered', status, digest: null });
      else if (state === 'sent') finish({ kind: 'noAnswer', errorType });
      else finish({ kind: 'notSent', errorType });
    };
    const onAbort = (): void => {
      if (answer.status() === null) tcp?.resetAndDestroy();
      breakOff(state === 'sent' ? 'TIMEOUT' : unsent);
    };

    const connectOnce: buildConnector.connector = (target, callback) => {
      if (state !== 'idle') return callback(new Error('one connection for one request'), null);
      state = 'connecting';
      options.connect(
        target,
        (...[error, socket]) => {
          if (error !== null) {
            breakOff(connectError(error));
            return callback(error, null);
          }
          if (state !== 'connecting') {
            socket.destroy();
            return callback(new Error('connected too late'), null);
          }
          callback(null, socket);
        },
        (socket) => {
          tcp = socket;
          if (state !== 'connecting') socket.destroy();
        },
      );
    };

    const client = new Client(options.origin, {
      connect: connectOnce,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    try {
      const { path, headers, body } = options.request;
      client.dispatch(
        { method: options.method, path, headers, body, reset: true },
        {
          // The last moment before the request is written.
          onRequestStart: (controller) => {
            if (state === 'connecting' && maySend()) {
              state = 'sent';
              return;
            }
            breakOff(unsent);
            controller.abort(new Error('too late to send'));
          },
          onResponseStart: (_controller, status) => answer.start(status),
          onResponseData: (_controller, chunk) => {
            if (answer.add(chunk) === 'full') finish(answer.end());
          },
          onResponseEnd: () => finish(answer.end()),
          onResponseError: (_controller, error) =>
            breakOff(state === 'sent' ? answerError(error) : 'REQUEST_INVALID'),
        },
      );
    } catch {
      breakOff('REQUEST_INVALID');
    }
  });
}

function createAnswer() {
  const hash = createHash('sha256');
  let status: number | null = null;
  let size = 0;
  return {
    status: (): number | null => status,
    start: (code: number): void => {
      if (code >= 200) status = code;
    },
    add: (chunk: Uint8Array): 'more' | 'full' => {
      hash.update(chunk.subarray(0, BODY_LIMIT - size));
      size = Math.min(size + chunk.byteLength, BODY_LIMIT);
      return size === BODY_LIMIT ? 'full' : 'more';
    },
    end: (): Exchange =>
      status === null
        ? { kind: 'noAnswer', errorType: 'INVALID_RESPONSE' }
        : { kind: 'answered', status, digest: size === 0 ? null : hash.digest('hex') },
  };
}
