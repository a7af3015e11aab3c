import { existsSync } from 'node:fs';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import { copyLog } from '../../src/eventstore/copyLog.ts';
import { createKurrentDbEventStore } from '../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { type Anchor, lineOf } from '../../src/seals/anchor.ts';
import { readAnchor } from '../../src/seals/fileAnchor.ts';
import { readLastSeal } from '../../src/seals/sealedLog.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { MOST_SEALED } from '../../src/seals/statement.ts';
import { history } from '../replay/history.ts';
import { changed, storeOf, verify } from '../replay/support.ts';
import { uuid } from '../support/builders.ts';
import { startProtocolTestServer } from '../support/kurrentdb/server.ts';
import { createSealRig, type SealRig } from './rig.ts';
import { entriesOf, KEY, memoryAnchor, OTHER_KEY, sealDependencies, trusting } from './support.ts';

let events: readonly ReadEvent[];
let folder: string;
let count = 0;
let rig: SealRig;
beforeAll(async () => {
  events = await history();
  folder = await mkdtemp(join(tmpdir(), 'anchors-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  count += 1;
  rig = createSealRig(join(folder, String(count)));
});

describe('sealing', () => {
  it('seals what is new, in the order of the log, and nothing twice', async () => {
    await rig.seal();
    expect(await rig.numbersInLog()).toEqual([]);
    await rig.write(events.slice(0, 10));
    await rig.seal();
    await rig.seal();
    await rig.write(events.slice(10, 30));
    await rig.seal();
    expect(await rig.numbersInLog()).toEqual([0, 1]);
    expect(await rig.numbersInAnchor()).toEqual([0, 1]);
    expect(await rig.verified()).toMatchObject({
      result: 'CLEAN',
      seals: { anchored: 2, sealedEvents: 31, unsealedEvents: 0 },
    });
  });

  it('seals nothing where only a seal is new', async () => {
    await rig.write(events.slice(0, 3));
    for (let times = 0; times < 3; times += 1) await rig.seal();
    expect(await rig.numbersInLog()).toEqual([0]);
  });

  it('seals more than one seal can cover in several', async () => {
    await rig.write(events.slice(0, 3));
    const texts = { type: 'CaseNoteAdded', data: '{}', metadata: '{}' };
    const many = Array.from({ length: 2 * MOST_SEALED }, (_, n) => ({ id: uuid(100_000 + n), ...texts }));
    await rig.store.append('case-many', -1, many);
    await rig.seal();
    const copy = memoryAnchor();
    await sealNow(sealDependencies(rig.store, copy));
    expect(copy.seals.map(({ statement: { start, count } }) => [start, count])).toEqual([
      [0, MOST_SEALED],
      [MOST_SEALED, MOST_SEALED],
      [2 * MOST_SEALED, 3],
    ]);
  });

  it('goes on where another process has sealed meanwhile, and writes that seal down too', async () => {
    await rig.write(events.slice(0, 10));
    const theirs = memoryAnchor();
    let isFirst = true;
    const raced: EventStore = {
      ...rig.store,
      append: async (...append) => {
        if (isFirst) await sealNow(sealDependencies(rig.store, theirs));
        isFirst = false;
        return rig.store.append(...append);
      },
    };
    await rig.seal({}, raced);
    expect(await rig.numbersInLog()).toEqual([0]);
    expect(await rig.numbersInAnchor()).toEqual([0]);
    expect(theirs.seals).toHaveLength(1);
    await rig.write(events.slice(10, 20));
    await Promise.all(Array.from({ length: 5 }, () => sealNow(sealDependencies(rig.store, theirs))));
    expect(await rig.numbersInLog()).toEqual([0, 1]);
    await rig.seal();
    expect(await rig.numbersInAnchor()).toEqual([0, 1]);
    const log = storeOf(await rig.store.readAll(null, 10_000));
    const both = { trusted: trusting(KEY), anchor: entriesOf(theirs.seals) };
    expect(await verify(log, null, null, both)).toMatchObject({ result: 'CLEAN' });
  });

  it('without an anchor keeps seals in the log alone', async () => {
    await rig.write(events.slice(0, 10));
    await sealNow(sealDependencies(rig.store, null));
    expect(await rig.numbersInLog()).toEqual([0]);
  });

  it('works in KurrentDB, too', async () => {
    const { connectionString, stop } = await startProtocolTestServer();
    const store = createKurrentDbEventStore({ connectionString });
    await rig.write(events);
    await copyLog(rig.store, store, () => {});
    await rig.seal({}, store);
    const seals = { trusted: trusting(KEY), anchor: readAnchor(rig.path) };
    const report = await verify(store, null, null, seals);
    expect(report.mismatches).toEqual([]);
    expect(report.seals).toMatchObject({ anchored: 1, sealedEvents: events.length, unsealedEvents: 0 });
    await store.close();
    await stop();
  });

  it('finds the last seal in a few reads, however many there are', async () => {
    for (let count = 1; count <= 40; count += 1) {
      await rig.store.append(SEAL_STREAM, count - 2, [
        { id: uuid(700_000 + count), type: 'LogSealed', data: '{}', metadata: '{}' },
      ]);
      let reads = 0;
      const counting = {
        ...rig.store,
        readStream: (...read: Parameters<EventStore['readStream']>) => {
          reads += 1;
          return rig.store.readStream(...read);
        },
      };
      for (const from of [0, count - 1, 10_000]) {
        reads = 0;
        // They are no seals, which says which one was found.
        await expect(readLastSeal(counting, from)).rejects.toThrow(`of seal ${count - 1} in the log`);
        expect(reads).toBeLessThan(16);
      }
    }
  });
});

describe('the anchor', () => {
  it('is brought up to the log where a crash came between the two', async () => {
    await rig.write(events.slice(0, 10));
    const failing: Anchor = {
      ...rig.anchor,
      append: () => Promise.reject(new Error('no space left on device')),
    };
    await expect(sealNow(sealDependencies(rig.store, failing))).rejects.toThrow('no space left');
    expect(await rig.numbersInLog()).toEqual([0]);
    await rig.seal();
    expect(await rig.numbersInAnchor()).toEqual([0]);
    expect(await rig.verified()).toMatchObject({ result: 'CLEAN', seals: { anchored: 1 } });
  });

  it('that is new gets all seals of the log', async () => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    await rig.write(events.slice(10, 30));
    await rig.seal();
    const before = await readFile(rig.path, 'utf8');
    await rm(rig.path);
    await rig.seal();
    expect(await readFile(rig.path, 'utf8')).toBe(before);
  });

  it('loses what a crash has left of a line, wherever it was cut, and gets it again', async () => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    const first = (await readFile(rig.path)).length;
    await rig.write(events.slice(10, 30));
    await rig.seal();
    const whole = await readFile(rig.path, 'utf8');
    for (const size of [0, 1, first - 1, first, first + 1, whole.length - 1]) {
      await writeFile(rig.path, whole);
      await truncate(rig.path, size);
      const left = size < first ? 0 : 1;
      expect(await rig.numbersInAnchor()).toHaveLength(left);
      await rig.seal();
      expect(await readFile(rig.path, 'utf8')).toBe(whole);
    }
    expect(await rig.numbersInLog()).toEqual([0, 1]);
  });

  it('is never written to where its last line is no seal', async () => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    await appendFile(rig.path, '{"statement":1}\n');
    await rig.write(events.slice(10, 20));
    await expect(rig.seal()).rejects.toMatchObject({ reason: 'SEAL_UNREADABLE' });
    expect(await rig.numbersInAnchor()).toEqual([0, 'unreadable']);
    expect(await rig.numbersInLog()).toEqual([0]);
  });

  it.skipIf(!existsSync('/proc/self/fd'))('is left closed by whoever stops before its end', async () => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    const path = await realpath(rig.path);
    const reading = readAnchor(path);
    expect(await reading.next()).toMatchObject({ value: { kind: 'seal' } });
    const open = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    );
    expect(await Promise.all(open)).not.toContain(path);
  });

  it('has lines longer than what is read at once', async () => {
    await rig.write(events.slice(0, 3));
    const stream = `case-${'x'.repeat(900)}`;
    const texts = { type: 'CaseNoteAdded', data: '{}', metadata: '{}' };
    await rig.store.append(
      stream,
      -1,
      Array.from({ length: 300 }, (_, n) => ({ id: uuid(200_000 + n), ...texts })),
    );
    await rig.seal();
    await rig.write(events.slice(3, 10));
    await rig.seal();
    expect((await rig.anchor.last())?.statement.number).toBe(1);
    expect(await rig.numbersInAnchor()).toEqual([0, 1]);
  });
});

it('a new key goes on behind the seals of the one before, where that is trusted still', async () => {
  await rig.write(events.slice(0, 10));
  await rig.seal();
  await rig.write(events.slice(10, 20));
  const both = trusting(KEY, OTHER_KEY);
  await rig.seal({ key: OTHER_KEY, trusted: both });
  expect(await rig.verified(both)).toMatchObject({
    result: 'CLEAN',
    seals: {
      keys: [
        { keyId: KEY.keyId, seals: 1 },
        { keyId: OTHER_KEY.keyId, seals: 1 },
      ],
    },
  });
  expect(await rig.verified()).toMatchObject({ result: 'MISMATCH', mismatchesByKind: { SEAL: 1 } });
});

it('an event that was changed before it was sealed is sealed as it is, and its chain tells', async () => {
  const broken = changed(events[2] as ReadEvent, { metadata: { traceparent: 'x' } });
  const unreadable = { ...(events[3] as ReadEvent), data: 'no JSON' };
  for (const { stream, revision, id, type, data, metadata } of [...events.slice(0, 2), broken, unreadable])
    await rig.store.append(stream, revision - 1, [{ id, type, data, metadata }]);
  await rig.seal();
  const report = await rig.verified();
  expect(report.mismatchesByKind).not.toHaveProperty('SEAL');
  expect(report.mismatchesByKind).toHaveProperty('CHAIN');
  await rm(rig.path);
  await rig.seal();
  const last = await rig.anchor.last();
  expect(last && lineOf(last)).toBe(await readFile(rig.path, 'utf8'));
});
