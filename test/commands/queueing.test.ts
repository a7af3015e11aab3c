import { expect, it } from 'vitest';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { createOutside, startProcess } from '../support/world.ts';

/** A store whose appends take five seconds and then fail, as they do behind a lock that nobody gives back. */
const STUCK_MS = 5_000;

it('requests that queue behind a stuck one are answered in time, not one time-out after the other', async () => {
  const outside = createOutside();
  const store = createMemoryEventStore();
  let stuck = false;
  const process = startProcess(
    {},
    {
      ...outside,
      store: {
        ...store,
        append: async (...args) => {
          if (!stuck) return store.append(...args);
          await outside.clock.sleep(STUCK_MS);
          throw new StoreUnavailableError('no answer', undefined);
        },
      },
    },
  );
  await process.open();
  stuck = true;
  const started = outside.clock.monotonicMs();
  const requests = Array.from({ length: 100 }, (_, n) => process.submit({ sentKey: `key ${n}` }));
  const answers = await outside.clock.runUntil(Promise.allSettled(requests));
  expect(answers.map((answer) => answer.status === 'rejected' && answer.reason.code)).toStrictEqual(
    Array(100).fill('STORE_UNAVAILABLE'),
  );
  expect(outside.clock.monotonicMs() - started).toBeLessThanOrEqual(10_000 + STUCK_MS);
  expect(await process.types()).toStrictEqual(['CaseOpened']);
});

it('a request does not wait for longer behind a task whose result waits for the store to come back', async () => {
  const process = startProcess();
  await process.open();
  let away = false;
  process.store.hooks.after = (call) => {
    if (call.events.some(({ type }) => type === 'ActionStarted')) away = true;
  };
  process.store.hooks.before = () => {
    if (away) throw new StoreUnavailableError('away', undefined);
  };
  const first = process.submit({ sentKey: 'one', waitMs: 1_000 });
  await process.clock.runUntil(first);
  expect(away).toBe(true);
  const started = process.clock.monotonicMs();
  const second = process.submit({ sentKey: 'two' }).catch((error: { code: string }) => error.code);
  expect(await process.clock.runUntil(second)).toBe('STORE_UNAVAILABLE');
  expect(process.clock.monotonicMs() - started).toBe(10_000);
  away = false;
  process.store.hooks.after = () => {};
  await process.clock.runUntil(process.runner.drain(60_000));
  expect((await process.types()).filter((type) => type === 'TaskReceived')).toHaveLength(1);
});
