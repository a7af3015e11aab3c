import { expect, it } from 'vitest';
import { createCaseStore } from '../../src/commands/caseStore.ts';
import { ORCHESTRATOR } from '../../src/domain/actors.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { type EventStore, StoreUnavailableError } from '../../src/eventstore/port.ts';
import { CASE, opened, received, stateChanged, taskId, uuid } from '../support/builders.ts';
import { createFakeClock } from '../support/clock.ts';

it('an append that lands between two looks for it is part of the case that is told', async () => {
  const store = createMemoryEventStore();
  let ids = 0;
  const newId = () => uuid(++ids);
  const clock = createFakeClock();
  const context = { actor: ORCHESTRATOR, correlationId: null, causationId: null, traceparent: null };
  const observer = { appendConflict: () => {} };
  const never = new AbortController().signal;
  const other = createCaseStore(createEventLog(store, newId), clock, observer, never);
  await other.change(CASE, context, () => ({ events: [opened()], result: null }));

  const lost: (() => Promise<unknown>)[] = [];
  let looks = 0;
  const slow: EventStore = {
    ...store,
    append: async (...append) => {
      lost.push(() => store.append(...append));
      throw new StoreUnavailableError('no answer', null);
    },
    readStream: async (...read) => {
      looks += 1;
      // The third try has read the case; now it looks for what it has sent.
      if (looks === 5) await lost[1]?.();
      return store.readStream(...read);
    },
  };
  let tries = 0;
  const changed = await createCaseStore(createEventLog(slow, newId), clock, observer, never).change(
    CASE,
    context,
    () => ({ events: [received()], result: null }),
    {
      again: async (work) => {
        for (;;) {
          tries += 1;
          try {
            return await work();
          } catch {
            if (tries === 1)
              await other.change(CASE, context, () => ({
                events: [stateChanged('SUSPENDED')],
                result: null,
              }));
          }
        }
      },
    },
  );
  expect(tries).toBe(3);
  expect(changed.events.map(({ type, revision }) => [type, revision])).toStrictEqual([['TaskReceived', 2]]);
  expect(changed.current.revision).toBe(2);
  expect(changed.current.tasks.get(taskId())?.status).toBe('RECEIVED');
});
