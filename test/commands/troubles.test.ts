import { describe, expect, it } from 'vitest';
import { createTroubles } from '../../src/commands/troubles.ts';
import { createFakeClock } from '../support/clock.ts';

const SECOND = 1_000;
const world = () => {
  const clock = createFakeClock();
  return { clock, troubles: createTroubles(clock) };
};

describe('a task that could not be driven on', () => {
  it('rests for 5 s, twice as long with each further failure, never longer than 5 minutes', () => {
    const { troubles } = world();
    const rests = Array.from({ length: 9 }, () => troubles.add('a') / SECOND);
    expect(rests).toStrictEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  });
  it('rests until that time is over, and not a millisecond longer', () => {
    const { clock, troubles } = world();
    expect(troubles.isResting('a')).toBe(false);
    const restMs = troubles.add('a');
    expect(troubles.isResting('a')).toBe(true);
    clock.advance(restMs - 1);
    expect(troubles.isResting('a')).toBe(true);
    clock.advance(1);
    expect(troubles.isResting('a')).toBe(false);
  });
  it('rests from its last failure on', () => {
    const { clock, troubles } = world();
    troubles.add('a');
    clock.advance(4 * SECOND);
    troubles.add('a');
    clock.advance(9 * SECOND);
    expect(troubles.isResting('a')).toBe(true);
    clock.advance(SECOND);
    expect(troubles.isResting('a')).toBe(false);
  });
  it('rests longer also when its last rest is over: only a success makes it forgotten', () => {
    const { clock, troubles } = world();
    clock.advance(troubles.add('a'));
    expect(troubles.add('a')).toBe(10 * SECOND);
    troubles.forget('a');
    expect(troubles.isResting('a')).toBe(false);
    expect(troubles.add('a')).toBe(5 * SECOND);
  });
  it('rests alone', () => {
    const { troubles } = world();
    troubles.add('a');
    expect(troubles.isResting('b')).toBe(false);
    expect(troubles.add('b')).toBe(5 * SECOND);
    troubles.forget('b');
    troubles.forget('never seen');
    expect(troubles.isResting('a')).toBe(true);
  });
  it('rests by the monotonic clock, whatever the wall clock does', () => {
    const { clock, troubles } = world();
    troubles.add('a');
    clock.setWall('2036-01-01T00:00:00.000Z');
    expect(troubles.isResting('a')).toBe(true);
    clock.setWall('2016-01-01T00:00:00.000Z');
    clock.advance(5 * SECOND);
    expect(troubles.isResting('a')).toBe(false);
  });
});

describe('of very many such tasks', () => {
  it('five hundred are remembered; the one that failed longest ago is forgotten first', () => {
    const { troubles } = world();
    for (let n = 0; n < 500; n += 1) troubles.add(`task ${n}`);
    troubles.add('task 0');
    troubles.add('one more');
    const resting = Array.from({ length: 500 }, (_, n) => troubles.isResting(`task ${n}`));
    expect(resting.filter(Boolean)).toHaveLength(499);
    expect(resting.indexOf(false)).toBe(1);
    expect(troubles.isResting('one more')).toBe(true);
  });
});
