import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { SealAlarmError } from '../../src/seals/alarm.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { history } from '../replay/history.ts';
import { changed, storeOf } from '../replay/support.ts';
import { uuid } from '../support/builders.ts';
import { createSealRig, type SealRig } from './rig.ts';
import { OTHER_KEY, sealDependencies, trusting } from './support.ts';

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
const alarm = async (sealing: Promise<void>): Promise<string> => {
  const error = await sealing.catch((caught: unknown) => caught);
  if (error instanceof SealAlarmError) return error.reason;
  throw new Error('no alarm', { cause: error });
};

describe('nothing is sealed any more, with an alarm, where going on would bury the evidence', () => {
  const sealTwice = async (): Promise<void> => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    await rig.write(events.slice(10, 20));
    await rig.seal();
  };
  /** A store that holds a log as somebody has left it. */
  const left = async (change: (log: readonly ReadEvent[]) => readonly ReadEvent[]): Promise<EventStore> => {
    const log = change(await rig.store.readAll(null, 1_000));
    const refused = async (): Promise<never> => {
      throw new Error('nothing must be written');
    };
    return { ...rig.store, ...storeOf(log), append: refused };
  };

  it('the log was cut, and a seal of the anchor is not in it', async () => {
    await sealTwice();
    const anchored = await readFile(rig.path, 'utf8');
    const cut = await left((log) => log.slice(0, 15));
    expect(await alarm(rig.seal({}, cut))).toBe('ANCHORED_SEAL_NOT_IN_LOG');
    expect(await readFile(rig.path, 'utf8')).toBe(anchored);
  });
  it('the log is another one', async () => {
    await sealTwice();
    rig = createSealRig(join(rig.path, '..'));
    await rig.write(events.slice(0, 5));
    expect(await alarm(rig.seal())).toBe('ANCHORED_SEAL_NOT_IN_LOG');
    expect(await alarm(rig.seal({ logId: 'another' }))).toBe('ANCHORED_SEAL_NOT_IN_LOG');
    expect(await rig.numbersInLog()).toEqual([]);
  });
  it('the last event that was sealed is gone, or another', async () => {
    await sealTwice();
    const last = (await rig.anchor.last())?.statement.last;
    const isLast = ({ stream, revision }: ReadEvent): boolean =>
      stream === last?.stream && revision === last.revision;
    const gone = await left((log) => log.filter((event) => !isLast(event)));
    expect(await alarm(rig.seal({}, gone))).toBe('LOG_NOT_AS_SEALED');
    const other = await left((log) =>
      log.map((event) => (isLast(event) ? changed(event, { metadata: { traceparent: 'x' } }) : event)),
    );
    expect(await alarm(rig.seal({}, other))).toBe('LOG_NOT_AS_SEALED');
  });
  it('the anchor lacks a seal, and what that covers is not as it was sealed', async () => {
    await sealTwice();
    const [first = ''] = (await readFile(rig.path, 'utf8')).split('\n');
    await writeFile(rig.path, `${first}\n`);
    const other = await left((log) =>
      log.map((event, n) => (n === 13 ? changed(event, { metadata: { traceparent: 'x' } }) : event)),
    );
    expect(await alarm(rig.seal({}, other))).toBe('LOG_NOT_AS_SEALED');
    expect(await rig.numbersInAnchor()).toEqual([0]);
    await rig.seal();
    expect(await rig.numbersInAnchor()).toEqual([0, 1]);
  });
  it('somebody else has sealed, with a key that is not trusted', async () => {
    await rig.write(events.slice(0, 10));
    await sealNow(sealDependencies(rig.store, null, { key: OTHER_KEY, trusted: trusting(OTHER_KEY) }));
    await rig.write(events.slice(10, 20));
    expect(await alarm(rig.seal())).toBe('SEAL_NOT_TRUSTED');
    expect(await alarm(sealNow(sealDependencies(rig.store, null)))).toBe('SEAL_NOT_TRUSTED');
    expect(await rig.numbersInLog()).toEqual([0]);
  });
  it('what stands in a seal’s place is none', async () => {
    await rig.write(events.slice(0, 10));
    await rig.seal();
    await rig.store.append(SEAL_STREAM, 0, [
      { id: uuid(800_000), type: 'LogSealed', data: '{}', metadata: '{}' },
    ]);
    expect(await alarm(rig.seal())).toBe('SEAL_UNREADABLE');
  });
});
