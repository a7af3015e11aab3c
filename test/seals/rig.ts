import { join } from 'node:path';
import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import type { Anchor } from '../../src/seals/anchor.ts';
import { createFileAnchor, readAnchor } from '../../src/seals/fileAnchor.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { storeOf, verify } from '../replay/support.ts';
import { KEY, sealDependencies, trusting } from './support.ts';

/** An empty log, an anchor in a folder of its own, and how to look at both. */
export type SealRig = {
  readonly store: EventStore;
  readonly path: string;
  readonly anchor: Anchor;
  /** Writes events into the log, in the order of another one. */
  readonly write: (events: readonly ReadEvent[]) => Promise<void>;
  /** Seals what is in the log, or in what stands for it. */
  readonly seal: (changes?: Parameters<typeof sealDependencies>[2], log?: EventStore) => Promise<void>;
  readonly numbersInLog: () => Promise<number[]>;
  readonly numbersInAnchor: () => Promise<(number | 'unreadable')[]>;
  readonly verified: (trusted?: ReturnType<typeof trusting>) => Promise<VerificationReport>;
};

export function createSealRig(folder: string): SealRig {
  const store = createMemoryEventStore();
  const path = join(folder, 'seals.jsonl');
  const anchor = createFileAnchor(path);
  return {
    store,
    path,
    anchor,
    write: async (events) => {
      for (const { stream, revision, id, type, data, metadata } of events)
        await store.append(stream, revision - 1, [{ id, type, data, metadata }]);
    },
    seal: (changes = {}, log = store) => sealNow(sealDependencies(log, anchor, changes)),
    numbersInLog: async () => (await store.readStream(SEAL_STREAM, 0, 1_000)).map(({ revision }) => revision),
    numbersInAnchor: async () => {
      const numbers: (number | 'unreadable')[] = [];
      for await (const entry of readAnchor(path))
        numbers.push(entry.kind === 'seal' ? entry.seal.statement.number : 'unreadable');
      return numbers;
    },
    verified: async (trusted = trusting(KEY)) =>
      verify(storeOf(await store.readAll(null, 10_000)), null, null, { trusted, anchor: readAnchor(path) }),
  };
}
