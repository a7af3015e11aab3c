/** Part of the protocol test server: a test double in memory, not a database. Sends a read's answers at the reader's pace. */

import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerErrorResponse, ServerWritableStream } from '@grpc/grpc-js';
import { grpcError, notLeader, refusalError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { LogRecord } from './log.ts';
import { readEvent } from './messages.ts';
import type { Node } from './node.ts';

export type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

export type Sender = {
  /** False when the call is over: cancelled, ended, or struck by a fault. */
  readonly isOpen: () => boolean;
  /** Resolves when the reader has room for more. */
  readonly event: (record: LogRecord) => Promise<void>;
  readonly message: (message: streams.ReadResp) => Promise<void>;
  readonly end: () => void;
  readonly fail: (error: ServerErrorResponse) => void;
  /** Called once when the call is over. */
  readonly onClose: (listener: () => void) => void;
};

/** A sender that obeys back pressure and strikes with `fault` after as many events as it says. */
export function createSender(node: Node, call: ReadCall, fault: Fault | null): Sender {
  let open = true;
  let silent = false;
  let sent = 0;
  const listeners: (() => void)[] = [];
  const close = (): void => {
    if (!open) return;
    open = false;
    for (const listener of listeners) listener();
  };
  call.on('cancelled', close);
  call.on('error', close);

  const end = (): void => {
    if (!open || silent) return;
    close();
    call.end();
  };
  const fail = (error: ServerErrorResponse): void => {
    if (!open || silent) return;
    close();
    call.emit('error', error);
  };
  const write = async (message: streams.ReadResp): Promise<void> => {
    if (!open || silent) return;
    if (call.write(message)) return;
    await new Promise<void>((resolve) => {
      call.once('drain', resolve);
      listeners.push(resolve);
    });
  };
  const strike = (): void => {
    switch (fault?.kind) {
      case 'error':
        fail(grpcError(fault.code, 'injected fault'));
        break;
      case 'refusal':
        fail(refusalError(fault.reason, node.maxAppendSize));
        break;
      case 'notLeader':
        fail(notLeader(fault.leader));
        break;
      case 'halfClose':
        end();
        break;
      case 'disconnect':
        node.disconnect();
        break;
      case 'silence':
        silent = true;
    }
  };
  const after = fault !== null && 'afterEvents' in fault ? fault.afterEvents : undefined;
  if (call.cancelled) close();
  if (after === undefined) strike();
  return {
    isOpen: () => open && !silent,
    event: async (record) => {
      if (open && sent === after) strike();
      sent += 1;
      await write(readEvent(record));
    },
    message: write,
    end,
    fail,
    onClose: (listener) => listeners.push(listener),
  };
}
