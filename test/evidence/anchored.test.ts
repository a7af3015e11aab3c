import { beforeEach, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { createEventLog, EMPTY_HEAD } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { bundle } from '../../src/evidence/bundle.ts';
import { collectEvidence } from '../../src/evidence/collect.ts';
import type { Evidence } from '../../src/evidence/format.ts';
import { verifyEvidence } from '../../src/evidence/verifyEvidence.ts';
import { type AnchoredSeal, lineOf } from '../../src/seals/anchor.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { LOG_ID } from '../projections/support.ts';
import { KEY, type MemoryAnchor, memoryAnchor, sealDependencies } from '../seals/support.ts';
import { AT, uuid } from '../support/builders.ts';

let ids = 0;
let store: EventStore;
let anchor: MemoryAnchor;

const note = (text: string): CaseEvent => ({
  type: 'CaseNoteAdded',
  data: { text: { sealed: `v1.${text}` }, command: null },
});

/** Three notes on a case, each in a seal of its own that covers another case as well. */
beforeEach(async () => {
  store = createMemoryEventStore();
  anchor = memoryAnchor();
  for (const text of ['AAAA', 'BBBB', 'CCCC']) {
    await append('case-C1', text);
    await append('case-C2', text);
    await sealNow(sealDependencies(store, anchor));
  }
});

async function append(stream: string, text: string, to = store): Promise<void> {
  const [last] = (await to.readStream(stream, 0, 100)).slice(-1);
  const { hash } = last ? (JSON.parse(last.metadata) as { hash: string }) : { hash: null };
  const head = last ? { revision: last.revision, hash, recordedAt: AT } : EMPTY_HEAD;
  await createEventLog(to, () => uuid(++ids)).append(stream, head, [note(text)], {
    actor: { kind: 'system', id: 'test', roles: [], authMethod: 'internal' },
    correlationId: null,
    causationId: null,
    traceparent: null,
    now: AT,
  });
}

/** The log as a superuser has left it: other events in the place of its own, in their order. */
function holding(events: readonly ReadEvent[]): EventStore {
  return {
    ...store,
    readAll: async (after, limit) =>
      events.filter(({ position }) => position > (after ?? -1n)).slice(0, limit),
    readStream: async (stream, from, limit) =>
      events
        .filter((event) => event.stream === stream && event.revision >= from)
        .sort((one, other) => one.revision - other.revision)
        .slice(0, limit),
  };
}

/** What is wrong with evidence of the case out of a log, told from the anchor. */
async function problemsOf(
  log: EventStore,
  anchored = anchor.seals.map(lineOf).join(''),
): Promise<readonly string[]> {
  const seal = () => sealNow(sealDependencies(log, anchor));
  const deps = {
    store: log,
    logId: LOG_ID,
    vault: { of: async () => null },
    sealNow: seal,
    clock: { now: () => AT },
  };
  const collected = await collectEvidence(deps, 'C1', 'withheld');
  if (!collected) throw new Error('there is no such case');
  return verifyEvidence(Buffer.from(bundle({ ...collected, events: [] }, KEY)), KEY.publicKey, anchored)
    .problems;
}

const isAt =
  (stream: string, revision: number) =>
  (event: ReadEvent): boolean =>
    event.stream === stream && event.revision === revision;

it('is proved with an anchor that is as old, older or newer, and one whose last line is cut off', async () => {
  expect(await problemsOf(store)).toStrictEqual([]);
  const lines = anchor.seals.map(lineOf).join('');
  expect(await problemsOf(store, `${lines}{"statement":{"for`)).toStrictEqual([]);
  expect(await problemsOf(store, lineOf(anchor.seals[0] as AnchoredSeal))).toStrictEqual([
    'seal 1: is not in the anchor file',
    'seal 2: is not in the anchor file',
  ]);
  const asItWas = holding(await store.readAll(null, 1_000));
  await append('case-C1', 'DDDD');
  await sealNow(sealDependencies(store, anchor));
  expect(await problemsOf(asItWas)).toStrictEqual([]);
});

it('is refused where the sealed end of the case was taken out of the log', async () => {
  const events = (await store.readAll(null, 1_000)).filter((event) => !isAt('case-C1', 2)(event));
  expect(await problemsOf(holding(events))).toStrictEqual([
    'case-C1 revision 2: is in seal 2 of the anchor file, and not so in the evidence',
  ]);
});

it('is refused where a sealed event was taken out, and another one sealed in its place', async () => {
  const without = (await store.readAll(null, 1_000)).filter((event) => !isAt('case-C1', 2)(event));
  const log = createMemoryEventStore();
  for (const { stream, revision, ...event } of without) await log.append(stream, revision - 1, [event]);
  await append('case-C1', 'XXXX', log);
  await sealNow(sealDependencies(log, anchor));
  expect(await problemsOf(log)).toStrictEqual([
    'case-C1 revision 2: is in seal 2 of the anchor file, and not so in the evidence',
  ]);
});

it('tells which line of the anchor cannot be read', async () => {
  const [first, ...others] = anchor.seals.map(lineOf);
  const lines = [first, 'no seal\n', ...others].join('');
  expect(await problemsOf(store, lines)).toStrictEqual(['line 2 of the anchor file is no seal']);
});

it('is refused where it does not say up to which seal the log was sealed', async () => {
  const deps = {
    store,
    logId: LOG_ID,
    vault: { of: async () => null },
    sealNow: async () => {},
    clock: { now: () => AT },
  };
  const collected = await collectEvidence(deps, 'C1', 'withheld');
  if (!collected) throw new Error('there is no such case');
  const { sealedUpTo: _, ...silent } = collected.evidence;
  const file = bundle({ evidence: silent as Evidence, events: [] }, KEY);
  expect(
    verifyEvidence(Buffer.from(file), KEY.publicKey, anchor.seals.map(lineOf).join('')).problems,
  ).toStrictEqual(['it does not say up to which seal the log was sealed']);
});
