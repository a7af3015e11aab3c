import type { EventStore, ReadEvent } from '../../../src/eventstore/port.ts';
import { followLog } from '../../../src/eventstore/subscription.ts';
import type { Host } from '../host.ts';
import type { Link } from '../link.ts';
import type { Shared } from '../shared.ts';

/** Told what goes to and comes from the event store. */
export type StoreWatch = {
  /** The process knows a stream up to this revision. */
  readonly knows: (host: Host, stream: string, revision: number) => void;
};

/** How long a subscription that hears nothing waits before it looks. */
const LOOK_MS = 500;

/** The event store as one process sees it. */
export function storeOf(
  host: Host,
  link: Link,
  { log }: Pick<Shared, 'log'>,
  watch: StoreWatch,
  kind: EventStore['kind'],
): EventStore {
  const { store, wakeups } = log;
  const read = <T extends readonly ReadEvent[]>(method: string, work: () => Promise<T>): Promise<T> =>
    link.call(host, { channel: 'store', method, changes: false, work });
  return {
    kind,
    append: (stream, expected, events) => {
      const sent = {
        sentAt: host.clock.monotonicMs() - host.clockBase,
        clockSaid: host.clock.now(),
        troubledAt: host.troubledAt(),
      };
      return link.call(host, {
        channel: 'store',
        method: 'append',
        changes: true,
        work: () => log.append(host.name, stream, expected, events, sent),
        onAnswer: (result) => {
          if (result.kind === 'appended') watch.knows(host, stream, result.revision);
        },
      });
    },
    readStream: (stream, fromRevision, limit) =>
      link.call(host, {
        channel: 'store',
        method: 'readStream',
        changes: false,
        work: () => store.readStream(stream, fromRevision, limit),
        onAnswer: (events) => {
          const last = events.at(-1);
          if (last) watch.knows(host, stream, last.revision);
        },
      }),
    readAll: (after, limit) => read('readAll', () => store.readAll(after, limit)),
    readTypes: (types, after, limit) =>
      link.call(host, {
        channel: 'store',
        method: 'readTypes',
        changes: false,
        work: () => store.readTypes(types, after, limit),
      }),
    subscribe: (after, batchSize, signal) =>
      followLog(
        {
          read: (position, limit) => read('subscribe', () => store.readAll(position, limit)),
          wakeups,
          pause: (until) => host.clock.sleep(LOOK_MS, until),
        },
        after,
        batchSize,
        signal,
      ),
    lastPosition: () =>
      link.call(host, { channel: 'store', method: 'lastPosition', changes: false, work: store.lastPosition }),
    ping: async () => {},
    close: async () => {},
  };
}
