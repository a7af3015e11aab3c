import { expect, it } from 'vitest';
import { createCaseStore } from '../../src/commands/caseStore.ts';
import { ORCHESTRATOR } from '../../src/domain/actors.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { CASE, opened, received, uuid } from '../support/builders.ts';
import { createFakeClock } from '../support/clock.ts';

it('decides on what this process has learnt of the case while it read something else', async () => {
  let ids = 0;
  const log = createEventLog(createMemoryEventStore(), () => uuid(++ids));
  const observer = { appendConflict: () => {} };
  const join = () => createCaseStore(log, createFakeClock(), observer, new AbortController().signal);
  const [cases, others] = [join(), join()];
  const context = { actor: ORCHESTRATOR, correlationId: null, causationId: null, traceparent: null };
  await cases.change(CASE, context, () => ({ events: [opened()], result: null }));
  const { result } = await cases.change(
    CASE,
    context,
    (current) => ({ events: [], result: current.revision }),
    {
      beforehand: async () => {
        await others.change(CASE, context, () => ({ events: [received()], result: null }));
        await cases.load(CASE);
      },
    },
  );
  expect(result).toBe(1);
});
