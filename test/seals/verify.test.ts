import { beforeAll, describe, expect, it } from 'vitest';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { linesOf } from '../../src/replay/told.ts';
import type { AnchoredSeal } from '../../src/seals/anchor.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { history } from '../replay/history.ts';
import { rechained, storeOf, verify } from '../replay/support.ts';
import { at, data, withCase, without } from '../replay/tampering.ts';
import {
  entriesOf,
  isSeal,
  KEY,
  OTHER_KEY,
  type SealedHistory,
  sealDependencies,
  sealedHistory,
  sealProblems,
  trusting,
  verifySealed,
} from './support.ts';

let events: readonly ReadEvent[];
let sealed: SealedHistory;
beforeAll(async () => {
  events = await history();
  sealed = await sealedHistory(events, 20);
});

const UNTRUSTED = 'UNTRUSTED: it is signed with a key that is not trusted';
const sealsLines = (report: Parameters<typeof linesOf>[0]): string =>
  linesOf(report)
    .slice(4, 7)
    .map((line) => line.slice(13))
    .join('; ');

describe('a sealed log that nobody touched is clean', () => {
  it('with its anchor: what is not sealed yet is told', async () => {
    const report = await verifySealed(sealed.log, sealed.anchor);
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({
      result: 'CLEAN',
      seals: {
        anchor: 'READ',
        anchored: 3,
        notAnchored: 0,
        keys: [{ keyId: KEY.keyId, seals: 3, isTrusted: true }],
        sealedEvents: sealed.log.length - 2,
        unsealedEvents: 1,
        unsealedSince: JSON.parse(events.at(-1)?.metadata ?? '').recordedAt,
      },
    });
  });

  it('of one seal after each event, of one over everything, and sealed up to its end', async () => {
    for (const every of [1, events.length]) {
      const { log, anchor } = await sealedHistory(events, every);
      const report = await verifySealed(log, anchor);
      expect(report.mismatches).toEqual([]);
      expect(report).toMatchObject({ result: 'CLEAN', seals: { unsealedEvents: 0, unsealedSince: null } });
      expect(sealsLines(report)).toContain('everything is sealed; held against the anchor');
    }
  });

  it('without an anchor, which is told', async () => {
    const report = await verifySealed(sealed.log, null);
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({
      result: 'CLEAN',
      seals: { anchor: 'NONE', anchored: 0, notAnchored: 3, unsealedEvents: 1 },
    });
    expect(sealsLines(report)).toContain(
      'no anchor: a missing end of the log, with the seals in it, cannot be seen',
    );
  });

  it('with an anchor that is behind, which is told', async () => {
    const report = await verifySealed(sealed.log, sealed.anchor.slice(0, 1));
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({ result: 'CLEAN', seals: { anchored: 1, notAnchored: 2 } });
    expect(sealsLines(report)).toContain('held against the anchor; 2 signed, not anchored');
  });

  it('with seals of the key before and of the key in force', async () => {
    const { log, anchor } = await sealedHistory(events, 20, [KEY, OTHER_KEY]);
    const report = await verifySealed(log, anchor, { trusted: trusting(KEY, OTHER_KEY) });
    expect(report).toMatchObject({
      result: 'CLEAN',
      seals: {
        keys: [
          { keyId: KEY.keyId, seals: 1, isTrusted: true },
          { keyId: OTHER_KEY.keyId, seals: 2, isTrusted: true },
        ],
      },
    });
  });

  it('while it goes on: what is sealed behind the end of the walk is left out', async () => {
    for (const seen of [20, 21, 22, 41, 42]) {
      const anchor = sealed.anchor;
      const log = sealed.log.slice(0, seen);
      const store = { ...storeOf(sealed.log), lastPosition: async () => log.at(-1)?.position ?? null };
      const report = await verify(store, null, null, { trusted: trusting(KEY), anchor: entriesOf(anchor) });
      expect(report.mismatches).toEqual([]);
      expect(report.seals?.anchored ?? 0).toBe(log.filter(isSeal).length);
    }
  });

  it('without any seal and without a key, which is told and no mismatch', async () => {
    const report = await verifySealed(events, null, { trusted: new Map() });
    expect(report).toMatchObject({ result: 'CLEAN', seals: null });
    expect(sealsLines(report)).toMatch(/^none: /);
    expect(await verifySealed(events, null, { anchor: 'MISSING' })).toMatchObject({ result: 'CLEAN' });
  });
});

describe('what cannot be checked is told', () => {
  it('seals, where no key is known', async () => {
    const report = await verifySealed(sealed.log, sealed.anchor, { trusted: new Map() });
    expect(report).toMatchObject({
      result: 'INCOMPLETE',
      mismatches: [],
      notReplayed: [{ reason: 'SEALS_WITHOUT_TRUSTED_KEY', count: 3 }],
    });
  });
  it('an anchor that is not where it should be', async () => {
    const report = await verifySealed(sealed.log, null, { anchor: 'MISSING' });
    expect(report).toMatchObject({
      result: 'INCOMPLETE',
      mismatches: [],
      seals: { anchor: 'MISSING' },
      notReplayed: [{ reason: 'ANCHOR_MISSING', count: 1 }],
    });
  });
});

describe('seals that nobody should believe', () => {
  it('of an unknown key are UNTRUSTED', async () => {
    const report = await verifySealed(sealed.log, sealed.anchor, { trusted: trusting(OTHER_KEY) });
    expect(sealProblems(report)).toEqual([0, 1, 2].map((number) => `seals/${number}: ${UNTRUSTED}`));
    expect(report.seals?.keys).toEqual([{ keyId: KEY.keyId, seals: 3, isTrusted: false }]);
  });
  it('that somebody has made for a log of their own, and with an anchor of their own', async () => {
    const forged = await sealedHistory(events.slice(0, 50), 20, [OTHER_KEY]);
    const report = await verifySealed(forged.log, forged.anchor);
    expect(sealProblems(report)).toEqual([0, 1].map((number) => `seals/${number}: ${UNTRUSTED}`));
  });
  it('of another log, signed with the same key', async () => {
    const other = 'it is of another log';
    const store = createMemoryEventStore();
    for (const { stream, revision, id, type, data: text, metadata } of events)
      await store.append(stream, revision - 1, [{ id, type, data: text, metadata }]);
    await sealNow(sealDependencies(store, null, { logId: 'another' }));
    expect(sealProblems(await verifySealed(await store.readAll(null, 1_000), null))).toEqual([
      `seals/0: ${other}`,
    ]);
  });
});

describe('an anchor that somebody has changed is found', () => {
  const changedAt = (index: number, change: (seal: AnchoredSeal) => AnchoredSeal): AnchoredSeal[] =>
    sealed.anchor.map((seal, n) => (n === index ? change(seal) : seal));
  const foundWith = async (anchor: readonly AnchoredSeal[]): Promise<string[]> =>
    sealProblems(await verifySealed(sealed.log, anchor));

  it('a leaf', async () => {
    const anchor = changedAt(1, (seal) => ({ ...seal, leaves: seal.leaves.slice(1) }));
    expect(await foundWith(anchor)).toEqual([
      'seals/1: what the anchor says that it covers is not what was signed',
    ]);
  });
  it('a statement', async () => {
    const anchor = changedAt(1, (seal) => ({
      ...seal,
      statement: { ...seal.statement, sealedAt: '2026-02-02T00:00:00.000Z' },
    }));
    expect(await foundWith(anchor)).toEqual([
      'seals/1: it is another one in the log than in the anchor',
      'seals/1: its signature is not of its key',
      'seals/2: it does not follow the seal before it',
    ]);
  });
  it('a line taken out', async () => {
    const [first, , third] = sealed.anchor;
    if (!first || !third) throw new Error('no seals');
    expect(await foundWith([first, third])).toEqual([
      'seals/1: the anchor does not have it, although it has later ones',
    ]);
  });
  it('a line that is there twice is none, unless it is another one the second time', async () => {
    const [first, ...others] = sealed.anchor;
    if (!first) throw new Error('no seals');
    expect(await foundWith([first, first, ...others, first])).toEqual([]);
    expect(await foundWith([first, ...others, { ...first, signature: 'other' }])).toEqual([
      'seals/0: the anchor has it twice, and once not as it is in the log',
    ]);
  });
  it('a line that is no seal', async () => {
    async function* entries() {
      yield { kind: 'unreadable', line: 1 } as const;
      yield* entriesOf(sealed.anchor);
    }
    const report = await verifySealed(sealed.log, null, { anchor: entries() });
    expect(sealProblems(report)).toEqual(['seals/null: line 1 of the anchor is no seal']);
  });
});

describe('without an anchor what was sealed is found to be changed, not where', () => {
  const NOT_SEALED = 'what it covers is not what was sealed';
  const NOTHING_MORE =
    'it is not in the anchor, so that nothing more can be said from here on to the next seal';
  const forgedIn = (caseId: string, tampering: Parameters<typeof withCase>[2]): ReadEvent[] =>
    withCase(sealed.log, caseId, (stream) => rechained(tampering(stream)));

  it('changed', async () => {
    const log = forgedIn('refused', at(1, data({ channel: 'EMAIL' })));
    expect(sealProblems(await verifySealed(log, null))).toEqual([
      `seals/1: ${NOT_SEALED}: 21 events are there, 21 were sealed; ${NOTHING_MORE}`,
    ]);
  });
  it('missing, and the seals behind it are as they were', async () => {
    const log = forgedIn('executed', () => []);
    expect(sealProblems(await verifySealed(log, null))).toEqual([
      `seals/0: ${NOT_SEALED}: 14 events are there, 20 were sealed; ${NOTHING_MORE}`,
    ]);
  });
  it('the last event of a seal missing, so that it ends nowhere', async () => {
    const log = withCase(sealed.log, 'approved', without(5));
    expect(sealProblems(await verifySealed(log, null))).toEqual([
      `seals/1: ${NOT_SEALED}: its last event, case-approved at revision 5, is gone, changed or moved; ${NOTHING_MORE}`,
      `seals/2: ${NOT_SEALED}: where it begins cannot be said, because of the seal before it; ${NOTHING_MORE}`,
    ]);
  });
  it('a seal in the middle gone', async () => {
    const log = sealed.log.filter((event) => !isSeal(event) || event.revision !== 1);
    expect(sealProblems(await verifySealed(log, null))).toEqual([
      'seals/1: neither the anchor nor the log has it',
      `seals/2: ${NOT_SEALED}: where it begins cannot be said, because of the seal before it; ${NOTHING_MORE}`,
    ]);
  });
});
