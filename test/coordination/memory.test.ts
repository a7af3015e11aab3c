import { v7 as uuidv7 } from 'uuid';
import { createMemoryCoordination } from '../../src/coordination/memory.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { createFakeClock } from '../support/clock.ts';
import { describeCoordinatorContract } from './contract.ts';

describeCoordinatorContract('memory', async () => {
  const clock = createFakeClock();
  const rowStore = createMemoryRowStore();
  const coordination = createMemoryCoordination(clock);
  return {
    process: () => coordination.forProcess(uuidv7(), rowStore),
    rowStore,
    advance: async (milliseconds) =>
      clock.setWall(new Date(Date.parse(clock.now()) + milliseconds).toISOString()),
    forget: async () => coordination.forget(),
  };
});
