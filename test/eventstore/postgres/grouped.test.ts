import { describe, expect, it } from 'vitest';
import { createGrouped } from '../../../src/eventstore/postgres/grouped.ts';
import { createFakeClock } from '../../support/clock.ts';

/** Work whose transactions end when the test says so. */
function rig(fails: (items: readonly string[]) => boolean = () => false) {
  const clock = createFakeClock();
  const done: string[] = [];
  const open: (() => void)[] = [];
  const transaction = (): Promise<void> =>
    new Promise((resolve) => {
      open.push(resolve);
    });
  const grouped = createGrouped<string, string>(
    async (item) => {
      await transaction();
      done.push(item);
      if (fails([item])) throw new Error(`${item} failed`);
      return `did ${item}`;
    },
    async (items) => {
      await transaction();
      done.push(items.join('+'));
      if (fails(items)) throw new Error('all failed');
      return items.map((item) => `did ${item}`);
    },
    clock,
  );
  /** Ends all transactions that are open, until none is left. */
  const endAll = async (): Promise<void> => {
    while (open.length > 0) {
      for (const end of open.splice(0)) end();
      await new Promise(setImmediate);
    }
  };
  return { grouped, done, open, endAll, clock };
}

describe('what arrives together is done together', () => {
  it('alone at once, and the rest when a transaction has ended', async () => {
    const { grouped, done, open, endAll } = rig();
    const results = Promise.all(['a', 'b', 'c', 'd', 'e'].map((item) => grouped.run(item, 1)));
    expect(open).toHaveLength(2);
    await endAll();
    expect(await results).toStrictEqual(['did a', 'did b', 'did c', 'did d', 'did e']);
    expect(done).toStrictEqual(['a', 'b', 'c+d+e']);
    await grouped.drained();
  });

  it('within bounds of number and size', async () => {
    const { grouped, done, endAll } = rig();
    const many = Array.from({ length: 200 }, (_, index) => grouped.run(`${index}`, 1));
    const large = [grouped.run('x', 1_900_000), grouped.run('y', 1_900_000), grouped.run('z', 9_000_000)];
    await endAll();
    await Promise.all([...many, ...large]);
    expect(done.map((items) => items.split('+').length)).toStrictEqual([1, 1, 64, 64, 64, 7, 1, 1]);
    expect(done.slice(-3)).toStrictEqual(['194+195+196+197+198+199+x', 'y', 'z']);
  });

  it('one by one where all of them failed, so that each has its own answer', async () => {
    const { grouped, done, endAll } = rig((items) => items.includes('bad'));
    const results = Promise.allSettled(['a', 'b', 'c', 'bad', 'd'].map((item) => grouped.run(item, 1)));
    await endAll();
    expect((await results).map(({ status }) => status)).toStrictEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(done.slice(0, 3)).toStrictEqual(['a', 'b', 'c+bad+d']);
    expect(done.slice(3).toSorted()).toStrictEqual(['bad', 'c', 'd']);
  });

  it('without those that take so long that something must be wrong', async () => {
    const { grouped, open, endAll, clock } = rig();
    const stuck = [grouped.run('stuck', 1), grouped.run('stuck too', 1)];
    const behind = [grouped.run('a', 1), grouped.run('b', 1)];
    expect(open).toHaveLength(2);
    clock.advance(500);
    await new Promise(setImmediate);
    expect(open).toHaveLength(3);
    open[2]?.();
    expect(await Promise.all(behind)).toStrictEqual(['did a', 'did b']);
    await endAll();
    await Promise.all(stuck);
  });

  it('drained tells when nothing is under way', async () => {
    const { grouped, done, endAll } = rig();
    await grouped.drained();
    for (const item of ['a', 'b', 'c']) void grouped.run(item, 1);
    const drained = grouped.drained();
    await endAll();
    await drained;
    expect(done).toHaveLength(3);
  });
});
