import { describe, expect, it } from 'vitest';
import { type Automation, createAutomation, type PauseCommand } from '../../src/commands/automation.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { AT } from '../support/builders.ts';
import { createOutside } from '../support/world.ts';
import { command, ERIKA, join, KEY, NAMES, scopesOf } from './pausing.ts';

describe('pausing and resuming', () => {
  it('is in the log with who, why and when, and what every process sees from then on', async () => {
    const { outside, automation, events } = join();
    const other = join(outside);
    expect(await other.automation.current()).toMatchObject({ pauses: [], revision: -1 });
    const { answer, replayed } = await automation.pause(
      command({ target: { scope: 'BACKEND', name: 'PARTNER_API' }, traceparent: 'trace' }),
    );
    const pause = { scope: 'BACKEND', name: 'PARTNER_API', since: AT, by: 'erika', reason: 'BECAUSE' };
    expect({ answer, replayed }).toMatchObject({ answer: { pauses: [pause], revision: 0 }, replayed: false });
    expect((await other.automation.current()).pauses).toStrictEqual([pause]);
    outside.clock.advance(5);
    const resumed = await other.automation.resume(
      command({ target: { scope: 'BACKEND', name: 'PARTNER_API' } }),
    );
    expect(resumed.answer).toMatchObject({ pauses: [], revision: 1 });
    expect((await automation.current()).pauses).toStrictEqual([]);
    expect(
      (await events()).map(({ type, data, metadata: { actor, traceparent, recordedAt } }) => [
        type,
        data,
        actor,
        traceparent,
        Date.parse(recordedAt) - Date.parse(AT),
      ]),
    ).toStrictEqual([
      [
        'AutomationPaused',
        { scope: 'BACKEND', name: 'PARTNER_API', reason: 'BECAUSE', command: null },
        ERIKA,
        'trace',
        0,
      ],
      [
        'AutomationResumed',
        { scope: 'BACKEND', name: 'PARTNER_API', reason: 'BECAUSE', command: null },
        ERIKA,
        null,
        5,
      ],
    ]);
  });

  it('of what is so already appends nothing', async () => {
    const { automation, events } = join();
    expect((await automation.resume(command())).answer).toMatchObject({ pauses: [], revision: -1 });
    expect(await events()).toStrictEqual([]);
    const first = await automation.pause(command());
    expect(await automation.pause(command({ reason: 'OTHER' }))).toMatchObject(first);
    expect(await events()).toHaveLength(1);
  });

  it('under a key is done once, and its repeat answers as the first time', async () => {
    const { automation, events } = join();
    const resume = command({ sentKey: 'r' });
    await automation.pause(command());
    const first = await automation.resume(resume);
    await automation.pause(command());
    const late = await automation.resume(resume);
    expect(late).toStrictEqual({
      answer: { pauses: [], revision: 1, position: first.answer.position },
      replayed: true,
    });
    expect(scopesOf(await automation.current())).toStrictEqual(['ALL']);
    expect(await events()).toHaveLength(3);
  });

  it('under a key is another request for another actor, and refused for another content', async () => {
    const { outside, automation, events } = join();
    await automation.pause(command({ sentKey: KEY }));
    const again = (changes: Partial<PauseCommand>) =>
      automation.pause(command({ sentKey: KEY, ...changes })).catch((error: unknown) => error);
    const refused = { code: 'IDEMPOTENCY_KEY_REUSED', field: 'Idempotency-Key' };
    expect(await again({ reason: 'OTHER' })).toMatchObject(refused);
    expect(await again({ target: { scope: 'INTENT', name: 'ESCALATE' } })).toMatchObject(refused);
    expect(await automation.resume(command({ sentKey: KEY })).catch((error: unknown) => error)).toMatchObject(
      refused,
    );
    expect(await again({ actor: { ...ERIKA, id: 'max' } })).toMatchObject({ replayed: false });
    expect(await events()).toHaveLength(2);
    const stored = await outside.store.readAll(null, 10);
    expect(stored.filter(({ data, metadata }) => `${data}${metadata}`.includes(KEY))).toStrictEqual([]);
  });

  it.each([1, 3])('is decided anew after a conflict, %i times', async (times) => {
    const { outside, store, automation, events } = join();
    const rival = join(outside);
    let meetings = 0;
    store.hooks.before = async () => {
      if (meetings === times) return;
      meetings += 1;
      await (meetings % 2 === 1 ? rival.automation.pause(command()) : rival.automation.resume(command()));
    };
    const target = { scope: 'INTENT', name: 'ESCALATE' } as const;
    const { answer } = await automation.pause(command({ target }));
    expect(meetings).toBe(times);
    expect(scopesOf(answer)).toStrictEqual(['ALL', 'INTENT']);
    expect(await events()).toHaveLength(times + 1);
  });

  it('goes by the log where that has become another one: restored to an earlier moment', async () => {
    const [before, restored] = [createOutside(), createOutside()];
    let { store } = before;
    const log = createEventLog(
      {
        ...store,
        append: (...args) => store.append(...args),
        readStream: (...args) => store.readStream(...args),
      },
      before.newId,
    );
    const automation = createAutomation(log, before.clock, NAMES);
    await automation.pause(command());
    await automation.resume(command());
    await join(restored).automation.pause(command({ reason: 'RESTORED' }));
    store = restored.store;
    const { answer } = await automation.pause(command({ target: { scope: 'INTENT', name: 'ESCALATE' } }));
    expect(answer.pauses).toMatchObject([{ reason: 'RESTORED' }, { name: 'ESCALATE' }]);
  });

  it('by many at once in two processes is one event, and all are told of the same pause', async () => {
    const { outside, automation, events } = join();
    const processes = [automation, join(outside).automation];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (processes[index % 2] as Automation).pause(command({ actor: { ...ERIKA, id: `person ${index}` } })),
      ),
    );
    expect(await events()).toHaveLength(1);
    const [first] = answers;
    expect(answers.map(({ answer }) => answer.pauses)).toStrictEqual(answers.map(() => first?.answer.pauses));
  });

  it('under one key by many at once in two processes is done once', async () => {
    const { outside, automation, events } = join();
    const processes = [automation, join(outside).automation];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (processes[index % 2] as Automation).pause(command({ sentKey: 'k' })),
      ),
    );
    expect(await events()).toHaveLength(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ answer }) => answer.position)).size).toBe(1);
  });

  it('tells that the store is away, and is safe to repeat when the answer was lost', async () => {
    const { store, automation, events } = join();
    store.hooks.after = () => {
      throw new StoreUnavailableError('lost', null);
    };
    await expect(automation.pause(command({ sentKey: 'k' }))).rejects.toThrow(StoreUnavailableError);
    delete store.hooks.after;
    expect(await automation.pause(command({ sentKey: 'k' }))).toMatchObject({ replayed: true });
    expect(await events()).toHaveLength(1);
  });
});

describe('a start that is to be paused', () => {
  it('pauses everything once, also where several start at once', async () => {
    const { outside, automation, events } = join();
    await Promise.all([automation, join(outside).automation].map((each) => each.startPaused(ERIKA)));
    await automation.startPaused(ERIKA);
    expect((await events()).map(({ type, data }) => ({ type, data }))).toStrictEqual([
      {
        type: 'AutomationPaused',
        data: { scope: 'ALL', name: null, reason: 'STARTED_PAUSED', command: null },
      },
    ]);
  });
});
