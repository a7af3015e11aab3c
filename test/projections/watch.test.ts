import { expect, it } from 'vitest';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { CheckpointMovedError, project } from '../../src/projections/projector.ts';
import { READ_MODELS } from '../../src/projections/readModels.ts';
import { opened } from '../support/builders.ts';
import { createFakeClock, idle } from '../support/clock.ts';
import { createRig } from './support.ts';

/** An idle projector with one case in its rows, on a clock of the test's. */
async function idleProjector() {
  const clock = createFakeClock();
  const rowStore = createMemoryRowStore();
  const rig = createRig(rowStore, { clock });
  await rig.append('A', opened());
  await rig.catchUp();
  const stop = new AbortController();
  const ended = project(rig.deps, stop.signal).then(
    () => 'ended',
    (error: unknown) => (error instanceof CheckpointMovedError ? 'moved' : error),
  );
  const look = async (): Promise<void> => {
    clock.advance(2_000);
    await idle();
  };
  await idle();
  return { rowStore, rig, clock, stop, ended, look };
}

it('an idle projector notices that its rows were dropped, without an event to write', async () => {
  const { rowStore, rig, clock, ended, look } = await idleProjector();
  await look();
  await rowStore.reset(READ_MODELS, rig.deps, await rowStore.checkpoint());
  await look();
  expect(await ended).toBe('moved');
  expect(clock.sleepers()).toBe(0);
});

it('an idle projector goes on while its rows are its own, also when they have got further', async () => {
  const { rig, clock, stop, ended, look } = await idleProjector();
  await look();
  await rig.append('B', opened());
  await idle();
  await look();
  stop.abort();
  expect(await ended).toBe('ended');
  expect(clock.sleepers()).toBe(0);
});

it('a reset that comes late drops nothing', async () => {
  const { rowStore, rig, stop, ended } = await idleProjector();
  const before = await rowStore.checkpoint();
  const early = { ...rig.deps, position: null, generation: 0 };
  expect(await rowStore.reset(READ_MODELS, rig.deps, null)).toBeNull();
  expect(await rowStore.reset(READ_MODELS, rig.deps, early)).toBeNull();
  expect(await rowStore.checkpoint()).toStrictEqual(before);
  expect(rowStore.rows('cases')).toHaveLength(1);
  stop.abort();
  await ended;
});
