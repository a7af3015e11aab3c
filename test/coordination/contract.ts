import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALIVE_MS, type Coordinator, FAIR_SHARE } from '../../src/coordination/port.ts';
import type { RowStore } from '../../src/projections/rowStore.ts';
import type { TaskRow } from '../../src/projections/tasks.ts';
import { itFindsWhatIsDue } from './due.ts';
import { emptyTasks, NOW, putTasks, taskRow } from './rows.ts';

/** A coordinator for any number of processes, and the read models that it looks at. */
export type CoordinationUnderTest = {
  /** A process of its own. */
  readonly process: () => Coordinator;
  readonly rowStore: RowStore;
  /** Moves the coordinator's clock on; back with a negative number. */
  readonly advance: (milliseconds: number) => Promise<void>;
  /** As after a crash of what keeps it. */
  readonly forget: () => Promise<void>;
};

const id = (n: number): string => taskRow(n, 'RECEIVED').task_id;
const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => id(from + index));

/** A process that says nothing for so long is dead; a little less, and it lives. Tests take less time than the difference. */
const LONG = ALIVE_MS + 1;
const SHORT = ALIVE_MS / 4;
const ROUNDS = 20;

/** What every coordinator must do. */
export function describeCoordinatorContract(name: string, open: () => Promise<CoordinationUnderTest>): void {
  describe(`the coordinator in ${name}`, () => {
    let world: CoordinationUnderTest;
    beforeAll(async () => {
      world = await open();
    });
    beforeEach(async () => {
      await world.forget();
      await emptyTasks(world.rowStore);
    });

    const put = (...rows: readonly TaskRow[]): Promise<void> => putTasks(world.rowStore, rows);
    const park = (caseId: string): Promise<void> => putTasks(world.rowStore, [], [caseId]);
    const several = (count: number): Coordinator[] => Array.from({ length: count }, world.process);
    const seenBy = async (coordinator: Coordinator): Promise<[string, string][]> =>
      (await coordinator.unattended(NOW, 100)).map(({ taskId, why }) => [taskId, why]);

    describe('finds tasks that need somebody', () => {
      it('whatever is not settled: open attempts first, then the oldest, so many as are asked for', async () => {
        await put(
          taskRow(7, 'RECEIVED'),
          taskRow(1, 'RECEIVED'),
          taskRow(2, 'DECIDED'),
          taskRow(3, 'OUTCOME_UNKNOWN'),
          taskRow(4, 'EXECUTING'),
          taskRow(5, 'IN_REVIEW'),
          taskRow(6, 'EXECUTING'),
          taskRow(8, 'COMPLETED'),
          taskRow(9, 'REJECTED'),
          taskRow(10, 'CANCELLED'),
        );
        const found = await world.process().unattended(NOW, 100);
        const unclaimed = (n: number, executing: boolean) => ({
          taskId: id(n),
          caseId: `C${n}`,
          executing,
          why: 'unclaimed',
        });
        expect(found).toEqual([
          unclaimed(4, true),
          unclaimed(6, true),
          unclaimed(1, false),
          unclaimed(2, false),
          unclaimed(3, false),
          unclaimed(7, false),
        ]);
        expect(await world.process().unattended(NOW, 3)).toEqual(found.slice(0, 3));
      });

      itFindsWhatIsDue(() => world);

      it('of one case no more than its fair share before those of others', async () => {
        const hot = ids(1, FAIR_SHARE + 2);
        await put(
          ...hot.map((_, n) => taskRow(n + 1, 'DECIDED', { case_id: 'HOT' })),
          taskRow(90, 'RECEIVED'),
        );
        const found = (await world.process().unattended(NOW, 100)).map(({ taskId }) => taskId);
        expect(found).toEqual([...hot.slice(0, FAIR_SHARE), id(90), ...hot.slice(FAIR_SHARE)]);
      });

      it('none of a parked case', async () => {
        await put(taskRow(1, 'RECEIVED'), taskRow(2, 'RECEIVED'));
        await park('C1');
        expect(await seenBy(world.process())).toEqual([[id(2), 'unclaimed']]);
      });

      it('none that a live process drives, due or not, until it is silent for too long', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await put(
          taskRow(1, 'RECEIVED'),
          taskRow(2, 'RETRY_SCHEDULED', { due_at: NOW }),
          taskRow(3, 'DECIDED'),
        );
        await one.beat([id(1), id(2)]);
        expect(await seenBy(two)).toEqual([[id(3), 'unclaimed']]);
        expect(await seenBy(one)).toEqual([[id(3), 'unclaimed']]);
        await world.advance(SHORT);
        expect(await seenBy(two)).toEqual([[id(3), 'unclaimed']]);
        await world.advance(LONG - SHORT);
        await two.beat([id(3)]);
        expect(await seenBy(two)).toEqual([
          [id(1), 'dead'],
          [id(2), 'due'],
        ]);
        await one.beat([id(1)]);
        expect(await seenBy(two)).toEqual([[id(2), 'due']]);
      });

      it('what a process no longer drives', async () => {
        const process = world.process();
        await put(taskRow(1, 'RECEIVED'), taskRow(2, 'RECEIVED'));
        await process.beat(ids(1, 2));
        await process.beat([id(2)]);
        expect(await seenBy(process)).toEqual([[id(1), 'unclaimed']]);
        await process.beat([]);
        expect(await seenBy(process)).toEqual([
          [id(1), 'unclaimed'],
          [id(2), 'unclaimed'],
        ]);
      });

      it('as unclaimed when the process that drove it has been gone for long', async () => {
        const [gone, other] = several(2) as [Coordinator, Coordinator];
        await put(taskRow(1, 'RECEIVED'));
        await gone.beat([id(1)]);
        await world.advance(9 * 60_000);
        await other.beat([]);
        expect(await seenBy(other)).toEqual([[id(1), 'dead']]);
        await world.advance(2 * 60_000);
        await other.beat([]);
        expect(await seenBy(other)).toEqual([[id(1), 'unclaimed']]);
        await gone.beat([id(1)]);
        expect(await seenBy(other)).toEqual([]);
      });

      it('of a dead process also after the clock was set back', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await put(taskRow(1, 'RECEIVED'), taskRow(2, 'RECEIVED'));
        await one.beat([id(1)]);
        await two.beat([id(2)]);
        await world.advance(-3_600_000);
        await two.beat([id(2)]);
        expect(await seenBy(two)).toEqual([[id(1), 'dead']]);
      });

      it('among thousands that are driven', async () => {
        const rows = Array.from({ length: 2_001 }, (_, n) => taskRow(n, 'DECIDED'));
        await put(...rows);
        const process = world.process();
        await process.beat(ids(0, 1_999));
        expect(await seenBy(process)).toEqual([[id(2_000), 'unclaimed']]);
      });
    });

    describe('lets a process claim', () => {
      it('what no other live process drives, in the order asked for, each once', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await one.beat([id(2)]);
        await two.beat([id(5)]);
        expect(await two.claim([id(3), id(2), id(1), id(3), id(5)])).toEqual([id(3), id(1), id(5)]);
        expect(await one.claim([id(1), id(2), id(4)])).toEqual([id(2), id(4)]);
        expect(await two.claim([])).toEqual([]);
      });

      it('so that it counts as driven until a beat says otherwise', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await put(...[1, 2, 3].map((n) => taskRow(n, 'RECEIVED')));
        await one.beat([id(3)]);
        await two.beat([]);
        expect(await one.claim([id(1)])).toEqual([id(1)]);
        expect(await seenBy(two)).toEqual([[id(2), 'unclaimed']]);
        await one.beat([id(1)]);
        expect(await seenBy(two)).toEqual([
          [id(2), 'unclaimed'],
          [id(3), 'unclaimed'],
        ]);
      });

      it('from the dead', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await put(taskRow(1, 'RECEIVED'));
        await one.beat([id(1)]);
        await two.beat([]);
        expect(await two.claim([id(1)])).toEqual([]);
        await world.advance(LONG);
        await two.beat([]);
        expect(await two.claim([id(1)])).toEqual([id(1)]);
        expect(await seenBy(two)).toEqual([]);
        await one.beat([]);
        expect(await one.claim([id(1)])).toEqual([]);
      });

      it('nothing while it does not count as alive itself', async () => {
        const process = world.process();
        expect(await process.claim([id(1)])).toEqual([]);
        await process.beat([]);
        await world.advance(LONG);
        expect(await process.claim([id(1)])).toEqual([]);
        await process.beat([]);
        expect(await process.claim([id(1)])).toEqual([id(1)]);
      });

      it('each task once when several claim at once', async () => {
        const processes = several(4);
        for (let round = 0; round < ROUNDS; round += 1) {
          await Promise.all(processes.map((process) => process.beat([])));
          const wanted = ids(1, 20);
          const taken = await Promise.all(
            processes.map((process, index) => process.claim(wanted.slice(index * 4, index * 4 + 12))),
          );
          expect(taken.flat().toSorted()).toEqual(wanted.toSorted());
        }
      });
    });

    describe('lets one process lead', () => {
      it('which stays it for as long as it says so', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        expect(await one.lead()).toBe(true);
        for (let renewal = 0; renewal < 3; renewal += 1) {
          await world.advance(ALIVE_MS / 2);
          expect(await two.lead()).toBe(false);
          expect(await one.lead()).toBe(true);
        }
        await world.advance(LONG);
        expect(await two.lead()).toBe(true);
        expect(await one.lead()).toBe(false);
      });

      it('until it resigns, which nobody does for it', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await one.lead();
        await two.resign();
        expect(await two.lead()).toBe(false);
        await one.resign();
        expect(await two.lead()).toBe(true);
      });

      it('also after the clock was set back', async () => {
        const [one, two] = several(2) as [Coordinator, Coordinator];
        await one.lead();
        await world.advance(-3_600_000);
        expect(await two.lead()).toBe(true);
        expect(await one.lead()).toBe(false);
      });

      it('one when several try at once, for a lease that is free and for one that ran out', async () => {
        const processes = several(4);
        for (let round = 0; round < ROUNDS; round += 1) {
          if (round % 2 === 0) await world.forget();
          else await world.advance(LONG);
          const answers = await Promise.all(processes.map((process) => process.lead()));
          expect(answers.filter((leads) => leads)).toEqual([true]);
        }
      });
    });

    it('frees at once what a process drove and led that says goodbye', async () => {
      const [one, two] = several(2) as [Coordinator, Coordinator];
      await put(taskRow(1, 'RECEIVED'));
      await Promise.all([one.beat([id(1)]), two.beat([]), one.lead()]);
      await two.leave();
      expect(await two.lead()).toBe(false);
      await one.leave();
      await two.beat([]);
      expect(await seenBy(two)).toEqual([[id(1), 'unclaimed']]);
      expect(await two.claim([id(1)])).toEqual([id(1)]);
      expect(await two.lead()).toBe(true);
    });

    it('is as before a beat and a renewal after it has forgotten everything', async () => {
      const [one, two] = several(2) as [Coordinator, Coordinator];
      await put(taskRow(1, 'RECEIVED'));
      await Promise.all([one.beat([id(1)]), one.lead()]);
      await world.forget();
      expect(await seenBy(two)).toEqual([[id(1), 'unclaimed']]);
      await Promise.all([one.beat([id(1)]), one.lead()]);
      expect(await seenBy(two)).toEqual([]);
      expect(await two.lead()).toBe(false);
    });
  });
}
