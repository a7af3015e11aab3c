import { describe, expect, it } from 'vitest';
import { createAutomation } from '../../src/commands/automation.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { until } from '../support/until.ts';
import { createOutside } from '../support/world.ts';
import { command, join, joinHeld, NAMES, scopesOf } from './pausing.ts';

describe('what is paused now', () => {
  it('is read by a read that begins after the question, which those share who ask meanwhile', async () => {
    const { outside, automation, begun, answer } = joinHeld();
    const first = automation.current();
    await until('the first read has begun', () => begun() === 1);
    // The first read has seen the log without this pause; whoever asks from now on must hear of it.
    await join(outside).automation.pause(command());
    const others = Array.from({ length: 100 }, () => automation.current());
    await answer();
    expect((await first).pauses).toStrictEqual([]);
    await answer();
    expect((await Promise.all(others)).map(scopesOf)).toStrictEqual(others.map(() => ['ALL']));
    expect(begun()).toBe(2);
  });

  it('is read on from where it is known', async () => {
    const outside = createOutside();
    await join(outside).automation.pause(command());
    const { automation, store } = join(outside);
    const reads: number[] = [];
    const readStream = store.readStream;
    const log = createEventLog(
      {
        ...store,
        readStream: (stream, from, limit) => {
          reads.push(from);
          return readStream(stream, from, limit);
        },
      },
      outside.newId,
    );
    const counted = createAutomation(log, outside.clock, NAMES);
    await counted.current();
    await automation.resume(command());
    await counted.current();
    await counted.current();
    expect(reads).toStrictEqual([0, 1, 2]);
  });

  it('is not held up by a read that gets no answer', async () => {
    const { outside, automation, begun, answer } = joinHeld();
    const stuck = automation.current();
    await until('the first read has begun', () => begun() === 1);
    const next = automation.current();
    outside.clock.advance(250);
    await until('another read has begun', () => begun() === 2);
    await answer(new StoreUnavailableError('silence', null));
    await answer();
    await expect(stuck).rejects.toThrow('silence');
    expect((await next).pauses).toStrictEqual([]);
  });

  it('fails for those who share a read that fails, and for nobody after them', async () => {
    const { automation, begun, answer } = joinHeld();
    const first = automation.current();
    await until('the first read has begun', () => begun() === 1);
    const sharing = [automation.current(), automation.current()];
    const settled = Promise.allSettled([first, ...sharing]);
    await answer(new StoreUnavailableError('away', null));
    await answer(new StoreUnavailableError('away', null));
    expect((await settled).map(({ status }) => status)).toStrictEqual(['rejected', 'rejected', 'rejected']);
    const after = automation.current();
    await answer();
    expect((await after).pauses).toStrictEqual([]);
  });

  it('is never forgotten by a slow read that began before', async () => {
    const { outside, automation, begun, answer, answerNewest } = joinHeld();
    const slow = automation.current();
    await until('the first read has begun', () => begun() === 1);
    await join(outside).automation.pause(command());
    const fresh = automation.current();
    outside.clock.advance(250);
    await until('another read has begun', () => begun() === 2);
    await answerNewest();
    expect(scopesOf(await fresh)).toStrictEqual(['ALL']);
    await answer();
    expect(scopesOf(await slow)).toStrictEqual(['ALL']);
    const last = automation.current();
    await answer();
    expect(scopesOf(await last)).toStrictEqual(['ALL']);
  });
});
