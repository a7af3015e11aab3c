import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { createFindings } from '../../src/replay/findings.ts';
import { createSealCheck } from '../../src/replay/seals.ts';
import type { AnchoredSeal } from '../../src/seals/anchor.ts';
import { sealedEventOf } from '../../src/seals/leaves.ts';
import { LOG_ID } from '../projections/support.ts';
import { rehashed, storeOf } from '../replay/support.ts';
import { uuid } from '../support/builders.ts';
import { entriesOf, isSeal, KEY, sealedHistory, trusting } from './support.ts';

const STREAMS = ['case-A', 'case-B', 'case-C', 'automation'];

/** An event as seals see it: a place and a hash. What it tells does not matter to them. */
const eventOf = (stream: string, revision: number, n: number): ReadEvent =>
  rehashed({
    id: uuid(n),
    stream,
    revision,
    position: BigInt(n),
    type: 'CaseNoteAdded',
    data: `{"n":${n}}`,
    metadata: '{"hash":"","prevHash":null}',
  });

/** Events of some streams, in the order of the log. */
const logOf = (choices: readonly number[]): ReadEvent[] => {
  const counts = new Map<string, number>();
  return choices.map((choice, n) => {
    const stream = STREAMS[choice % STREAMS.length] ?? '';
    const revision = counts.get(stream) ?? 0;
    counts.set(stream, revision + 1);
    return eventOf(stream, revision, n);
  });
};

type Step = {
  readonly kind: 'change' | 'delete' | 'putIn' | 'move' | 'swap';
  readonly at: number;
  readonly to: number;
};

/** A log after something was done to its events, of whatever stream; the order of the array is that of the log. */
function tampered(log: readonly ReadEvent[], { kind, at, to }: Step, n: number): ReadEvent[] {
  const [index, other] = [at % log.length, to % log.length];
  const [event, second] = [log[index], log[other]];
  if (!event || !second) return [...log];
  const others = log.filter((_, each) => each !== index);
  switch (kind) {
    case 'change':
      return log.map((each) => (each === event ? rehashed({ ...event, id: uuid(10_000 + n) }) : each));
    case 'delete':
      return others;
    case 'putIn':
      return log.toSpliced(index, 0, eventOf('case-D', n, 20_000 + n));
    case 'move':
      return others.toSpliced(other, 0, event);
    case 'swap':
      return log.with(index, second).with(other, event);
  }
}

const keyOf = ({ stream, revision }: { readonly stream: string; readonly revision: number }): string =>
  `${stream}/${revision}`;

/** What a check of a log finds, reading it in pages of this size: places by the first word of what is wrong. */
async function check(
  log: readonly ReadEvent[],
  anchor: readonly AnchoredSeal[] | null,
  pageSize: number,
): Promise<Record<'changed' | 'missing' | 'moved' | 'put in' | 'seals', string[]>> {
  const findings = createFindings();
  const end = log.at(-1)?.position ?? -1n;
  const entries = anchor && entriesOf(anchor);
  const deps = { store: storeOf(log), codec, findings, logId: LOG_ID, end, trusted: trusting(KEY) };
  const seals = createSealCheck({ ...deps, anchor: entries });
  for (let from = 0; from < log.length; from += pageSize) await seals.add(log.slice(from, from + pageSize));
  await seals.finish();
  const found = { changed: [], missing: [], moved: [], 'put in': [], seals: [] } as Awaited<
    ReturnType<typeof check>
  >;
  for (const mismatch of findings.summary().mismatches) {
    const [, word] = /^(?:was|is) (changed|missing|moved|put in)\b/.exec(mismatch.detail) ?? [];
    found[(word ?? 'seals') as keyof typeof found].push(
      keyOf({ ...mismatch, revision: mismatch.revision ?? -1 }),
    );
  }
  return found;
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('change', 'delete', 'putIn', 'move', 'swap') as fc.Arbitrary<Step['kind']>,
    at: fc.nat(10_000),
    to: fc.nat(10_000),
  }),
  { maxLength: 4 },
);
const logs = fc.array(fc.nat(3), { minLength: 4, maxLength: 40 });

it('whatever is done to sealed events is found, where it was done, and nothing else is', async () => {
  await fc.assert(
    fc.asyncProperty(
      logs,
      fc.integer({ min: 1, max: 15 }),
      steps,
      fc.integer({ min: 1, max: 50 }),
      async (choices, every, does, pageSize) => {
        const sealed = await sealedHistory(logOf(choices), every);
        const { anchor } = sealed;
        const log = does
          .reduce((current, step, n) => tampered(current, step, n), [...sealed.log])
          .map((event, n) => ({ ...event, position: BigInt(n + 1) }));
        const leaves = anchor.flatMap((seal) => seal.leaves);
        const hashes = new Map(log.map((event) => [keyOf(event), sealedEventOf(event).hash]));
        const inOrder = log.map(keyOf);
        const leafKeys = new Set(leaves.map(keyOf));
        const found = await check(log, anchor, pageSize);

        const missing = leaves.filter((leaf) => !hashes.has(keyOf(leaf))).map(keyOf);
        const changed = leaves
          .filter((leaf) => hashes.has(keyOf(leaf)) && hashes.get(keyOf(leaf)) !== leaf.hash)
          .map(keyOf);
        expect(found.missing.toSorted()).toEqual(missing.toSorted());
        expect(found.changed.toSorted()).toEqual(changed.toSorted());

        const isInOrderOf = (keys: readonly string[]): boolean =>
          inOrder.filter((key) => keys.includes(key)).join() === keys.filter((key) => hashes.has(key)).join();
        const isInOrder = isInOrderOf(sealed.log.map(keyOf));
        if (isInOrder) expect(found.moved).toEqual([]);
        // Of what was changed and moved it is told that it was changed.
        if (!isInOrderOf([...leafKeys])) expect([...found.moved, ...changed]).not.toEqual([]);

        const strangers = inOrder.filter((key) => !leafKeys.has(key));
        const lastLeaf = inOrder.findLastIndex((key) => leafKeys.has(key));
        const early = strangers.filter((key) => inOrder.indexOf(key) < lastLeaf);
        if (isInOrder) expect(found['put in'].toSorted()).toEqual(early.toSorted());
        else expect(strangers).toEqual(expect.arrayContaining(found['put in']));

        const isUntouched = leaves.every(
          (leaf, n) => inOrder[n] === keyOf(leaf) && hashes.get(keyOf(leaf)) === leaf.hash,
        );
        const { seals, ...events } = found;
        expect(Object.values(events).flat().length === 0).toBe(isUntouched);
        if (does.length === 0) expect(seals).toEqual([]);
      },
    ),
    { numRuns: Number(process.env.TAMPERINGS ?? 80) },
  );
});

it('without an anchor, too, that something was done is found', async () => {
  await fc.assert(
    fc.asyncProperty(
      logs,
      fc.integer({ min: 1, max: 15 }),
      steps,
      fc.integer({ min: 1, max: 50 }),
      async (choices, every, does, pageSize) => {
        const sealed = await sealedHistory(logOf(choices), every);
        const ofSeals = sealed.log.filter(isSeal);
        const tamper = (log: readonly ReadEvent[], step: Step, n: number): ReadEvent[] => {
          const after = tampered(log, step, n);
          // What was done to seals is another matter: without an anchor the last ones may be gone.
          return after
            .filter(isSeal)
            .map(({ id }) => id)
            .join() === ofSeals.map(({ id }) => id).join()
            ? after
            : [...log];
        };
        const log = does
          .reduce(tamper, [...sealed.log])
          .map((event, n) => ({ ...event, position: BigInt(n + 1) }));
        const leaves = sealed.anchor.flatMap((seal) => seal.leaves);
        const isUntouched = leaves.every((leaf, n) => {
          const event = log[n];
          return event && keyOf(event) === keyOf(leaf) && sealedEventOf(event).hash === leaf.hash;
        });
        const { seals } = await check(log, null, pageSize);
        expect(seals.length === 0).toBe(isUntouched);
        expect(seals.every((key) => key.startsWith(SEAL_STREAM))).toBe(true);
      },
    ),
    { numRuns: Number(process.env.TAMPERINGS ?? 80) },
  );
});
