import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCaseStore } from '../../src/commands/caseStore.ts';
import { ORCHESTRATOR } from '../../src/domain/actors.ts';
import { emptyCase, fold } from '../../src/domain/case.ts';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { caseStream } from '../../src/domain/identifiers.ts';
import { createEventLog, EMPTY_HEAD, headOf } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { automatingPlaybook, backends, policies, signals } from '../support/arbitraries.ts';
import { CASE, caseAfter, later, opened, uuid } from '../support/builders.ts';
import { createFakeClock } from '../support/clock.ts';
import { recordingObserver } from '../support/scripted.ts';
import { happenings } from './happenings.ts';
import { createWalk } from './walk.ts';

const walks = fc.record({
  policy: policies,
  signals,
  backends: fc.record({ PARTNER_API: backends, CORE_SYSTEM: backends }),
  happening: fc.array(happenings, { minLength: 10, maxLength: 30, size: 'max' }),
});

type Walked = typeof walks extends fc.Arbitrary<infer T> ? T : never;

/** A case with what has happened to it, in a store. */
async function storedCase({ happening, ...world }: Walked) {
  const walk = createWalk({ ...world, playbook: automatingPlaybook }, caseAfter([opened()]));
  for (const each of happening) walk.happen(each);
  let ids = 0;
  const log = createEventLog(createMemoryEventStore(), () => uuid(++ids));
  const appends = [
    { events: [opened()], now: later(0) },
    ...walk.appends.map(({ events, context }) => ({ events, now: context.now })),
  ];
  let head = EMPTY_HEAD;
  for (const { events, now } of appends) {
    const context = { actor: ORCHESTRATOR, correlationId: null, causationId: null, traceparent: null, now };
    const outcome = await log.append(caseStream(CASE), head, events, context);
    if (outcome.kind === 'appended') head = headOf(outcome.events.at(-1));
  }
  const events = (await log.read(caseStream(CASE))) as Recorded<CaseEvent>[];
  const cases = createCaseStore(log, createFakeClock(), recordingObserver(), new AbortController().signal);
  return { events, cases };
}

it('a case as of any revision, and of any time, is what the events up to then make of it', async () => {
  let several = 0;
  await fc.assert(
    fc.asyncProperty(walks, async (walked) => {
      const { events, cases } = await storedCase(walked);
      const folded = (some: readonly Recorded<CaseEvent>[]) => fold(emptyCase(CASE), some);
      const now = folded(events);
      for (const { revision } of events) {
        expect(await cases.asOf(CASE, { kind: 'revision', revision })).toStrictEqual({
          past: folded(events.filter((event) => event.revision <= revision)),
          present: now,
        });
      }
      const recorded = [...new Set(events.map(({ metadata }) => Date.parse(metadata.recordedAt)))];
      for (const time of recorded.flatMap((at) => [at - 1, at, at + 1])) {
        const before = events.filter(({ metadata }) => Date.parse(metadata.recordedAt) <= time);
        const { past } = await cases.asOf(CASE, { kind: 'time', time: new Date(time).toISOString() });
        expect(past).toStrictEqual(folded(before));
      }
      if (recorded.length > 1 && recorded.length < events.length) several += 1;
    }),
    { numRuns: 25, seed: 5001 },
  );
  expect(several).toBeGreaterThan(8);
});
