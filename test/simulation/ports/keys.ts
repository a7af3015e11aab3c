import type { KeyStore } from '../../../src/vault/port.ts';
import type { Host } from '../host.ts';
import type { Link } from '../link.ts';
import type { Shared } from '../shared.ts';

/** The case keys as one process sees them. */
export function keysOf(host: Host, link: Link, { keys }: Shared): KeyStore {
  const call = <T>(method: string, changes: boolean, work: () => Promise<T>): Promise<T> =>
    link.call(host, { channel: 'keys', method, changes, work });
  return {
    find: (caseId) => call('find', false, () => keys.find(caseId)),
    findOrCreate: (caseId, candidate) =>
      call('findOrCreate', true, () => keys.findOrCreate(caseId, candidate)),
    destroy: (caseId) => call('destroy', true, () => keys.destroy(caseId)),
  };
}
