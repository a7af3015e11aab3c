import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { mayConnect } from './addressGuard.ts';
import { normalizeHost } from './urlTemplate.ts';

/** All addresses of a host name. */
export type ResolveHost = (host: string) => Promise<readonly LookupAddress[]>;

/** What the operating system's resolver says. */
export const resolveHost: ResolveHost = (host) => lookup(host, { all: true });

/** An address that no connection may be made to. */
class AddressRefusedError extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

/** Makes a connection; `onTcp` gets its TCP socket, which alone can be reset, before anything is sent over it. */
export type Connect = (
  target: buildConnector.Options,
  callback: buildConnector.Callback,
  onTcp: (socket: Socket) => void,
) => void;

/**
 * A connector that resolves a host once for each connection, refuses it when any of its addresses is refused, and
 * connects to just those addresses: no second answer of the DNS can slip in between check and use.
 */
export function createGuardedConnector(options: {
  readonly allowPrivateHosts: readonly string[];
  readonly timeoutMs: number;
  readonly resolve: ResolveHost;
}): Connect {
  const allowed = new Set(options.allowPrivateHosts.map(normalizeHost));
  const accepts = (host: string, address: string): boolean =>
    mayConnect(address, allowed.has(normalizeHost(host)));

  const guardedLookup: LookupFunction = (host, lookupOptions, callback) => {
    options.resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) return callback(notFound(), '');
        if (!addresses.every(({ address }) => accepts(host, address))) {
          return callback(new AddressRefusedError(), '');
        }
        if (lookupOptions.all) return callback(null, [...addresses]);
        callback(null, first.address, first.family);
      },
      (error) => callback(error, ''),
    );
  };
  // HTTP/1.1 only: undici sends a request again by itself when an HTTP/2 connection goes away.
  const connect = buildConnector({ allowH2: false, timeout: options.timeoutMs, lookup: guardedLookup });

  return (target, callback, onTcp) => {
    // A literal address is never looked up.
    if (isIP(target.hostname) !== 0 && !accepts(target.hostname, target.hostname)) {
      callback(new AddressRefusedError(), null);
      return;
    }
    const { servername: _, ...tcp } = target;
    const isTls = target.protocol === 'https:';
    const port = target.port === '' ? (isTls ? '443' : '80') : target.port;
    connect({ ...tcp, port, protocol: 'http:' }, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      onTcp(socket);
      if (isTls) connect({ ...target, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}

const notFound = (): Error => Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
