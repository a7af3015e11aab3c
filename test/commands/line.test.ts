import { expect, it } from 'vitest';
import { createLines } from '../../src/commands/line.ts';
import { idle } from '../support/clock.ts';

it('a line lets one go at a time, in the order in which they came, and each line for itself', async () => {
  const lines = createLines();
  const order: string[] = [];
  const stand = async (key: string, name: string) => {
    const leave = await lines.join(key);
    order.push(name);
    return leave;
  };
  const [first, second, third] = ['one', 'two', 'three'].map((name) => stand('a', name));
  const other = stand('b', 'other');
  await idle();
  expect(order).toStrictEqual(['one', 'other']);
  (await first)?.();
  await idle();
  expect(order).toStrictEqual(['one', 'other', 'two']);
  (await second)?.();
  (await third)?.();
  (await other)();
  await stand('a', 'later');
  expect(order).toStrictEqual(['one', 'other', 'two', 'three', 'later']);
});
