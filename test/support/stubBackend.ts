import type { ServerResponse } from 'node:http';
import {
  delay,
  type ReceivedRequest,
  resetConnection,
  type SwitchableStub,
  stallBody,
  startSwitchableStub,
} from './stubServer.ts';

/** How the stub backend answers; switched at any time through `StubBackend.mode`. */
export type StubBackendMode =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly location?: string }
  /** A status line, the beginning of a body, and then silence. */
  | { readonly kind: 'stalledBody'; readonly status: number }
  /** A status line, the beginning of a body, and then a reset. */
  | { readonly kind: 'cutBody'; readonly status: number }
  /** Silence after the request; a reset instead of an answer; something that is no HTTP. */
  | { readonly kind: 'stall' | 'reset' | 'garbage' };

export type StubBackend = SwitchableStub<StubBackendMode> & {
  readonly url: string;
  readonly port: number;
  /** How often each `Idempotency-Key` was received. */
  readonly callsPerKey: () => ReadonlyMap<string, number>;
};

/** Starts a stub of a backend; it answers 200 with `{"ok":true}` until told otherwise. */
export async function startStubBackend(): Promise<StubBackend> {
  const { stub, url, port } = await startSwitchableStub<StubBackendMode>(
    { kind: 'status', status: 200 },
    answer,
  );
  return Object.assign(stub, { url, port, callsPerKey: () => countKeys(stub.requests) });
}

function countKeys(requests: readonly ReceivedRequest[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { headers } of requests) {
    const key = String(headers['idempotency-key'] ?? '');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function answer(mode: StubBackendMode, response: ServerResponse): void {
  switch (mode.kind) {
    case 'status':
      if (mode.location !== undefined) response.setHeader('location', mode.location);
      response.writeHead(mode.status, { 'content-type': 'application/json' });
      response.end(mode.body ?? (mode.status === 204 || mode.status === 304 ? undefined : '{"ok":true}'));
      return;
    case 'stalledBody':
      stallBody(response, mode.status, '{"ok":');
      return;
    case 'cutBody':
      stallBody(response, mode.status, '{"ok":');
      // The first part has to arrive before the reset throws away what is still in the socket's buffer.
      void delay(30).then(() => resetConnection(response));
      return;
    case 'reset':
      resetConnection(response);
      return;
    case 'garbage':
      response.socket?.end('this is no HTTP\r\n\r\n');
      return;
    case 'stall':
      return;
  }
}
