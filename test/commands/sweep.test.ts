import { describe, expect, it } from 'vitest';
import { beat, type SweepDependencies, sweep } from '../../src/commands/sweep.ts';
import { BEAT_MS, type Unattended } from '../../src/coordination/port.ts';
import { emptyCase } from '../../src/domain/case.ts';
import { caseAfter, opened, received, recommended, retryScheduled, taskId } from '../support/builders.ts';
import { createFakeClock, idle } from '../support/clock.ts';
import { recordingLogger, recordingObserver } from '../support/scripted.ts';

const task = (n: number, why: Unattended['why'], executing = false, caseId = `C${n}`): Unattended => ({
  taskId: taskId(n),
  caseId,
  executing,
  why,
});

/** A sweep whose coordinator says what the test wants, and a runner that only notes what it is given. */
function startSweep(changes: Partial<SweepDependencies> = {}) {
  const clock = createFakeClock();
  const ending = new AbortController();
  const observer = recordingObserver();
  const logger = recordingLogger();
  const state = {
    unattended: [] as Unattended[],
    /** What others have taken before. */
    refused: new Set<string>(),
    driving: new Set<string>(),
    resting: new Set<string>(),
    claims: [] as string[][],
    started: [] as string[],
    fails: false,
    positions: { log: 10n as bigint | null, readModels: 10n as bigint | null },
  };
  const ended = sweep(
    {
      coordinator: {
        beat: async () => {},
        unattended: async (_now, limit) => {
          if (state.fails) throw new Error('away');
          return state.unattended.slice(0, limit);
        },
        claim: async (taskIds) => {
          state.claims.push([...taskIds]);
          return taskIds.filter((id) => !state.refused.has(id));
        },
        lead: async () => true,
        resign: async () => {},
        leave: async () => {},
      },
      runner: {
        start: (_caseId, id) => {
          state.started.push(id);
          state.driving.add(id);
        },
        driving: () => [...state.driving],
        isResting: (id) => state.resting.has(id),
      },
      cases: { load: async (caseId) => emptyCase(caseId) },
      parkedCases: async () => [],
      positions: async () => state.positions,
      clock,
      logger,
      observer,
      ...changes,
    },
    ending.signal,
  );
  const next = async (): Promise<void> => {
    clock.advance(BEAT_MS);
    await idle();
  };
  return { state, beat: next, ending, ended, told: observer.told, logged: logger.lines };
}

describe('the sweep', () => {
  it('takes at once what is due and what a dead process left, and drives what it got', async () => {
    const { state, beat, told } = startSweep();
    await idle();
    state.unattended = [task(1, 'due'), task(2, 'dead'), task(3, 'dead', true), task(4, 'dead')];
    state.refused.add(taskId(4));
    await beat();
    expect(state.claims).toStrictEqual([[taskId(3), taskId(1), taskId(2), taskId(4)]]);
    expect(state.started).toStrictEqual([taskId(3), taskId(1), taskId(2)]);
    expect(told).toStrictEqual(['taken over dead', 'taken over due', 'taken over dead']);
  });

  it('gives whoever has just received a task the time to say so', async () => {
    const { state, beat } = startSweep();
    await idle();
    state.unattended = [task(1, 'unclaimed'), task(2, 'unclaimed')];
    await beat();
    await beat();
    state.unattended = [task(1, 'unclaimed')];
    expect(state.claims).toStrictEqual([]);
    await beat();
    expect(state.started).toStrictEqual([taskId(1)]);
    state.unattended = [task(2, 'unclaimed')];
    await beat();
    await beat();
    expect(state.started).toStrictEqual([taskId(1)]);
    await beat();
    expect(state.started).toStrictEqual([taskId(1), taskId(2)]);
  });

  it('takes nothing for abandoned that only trailing read models show as unfinished', async () => {
    const { state, beat } = startSweep();
    await idle();
    state.positions = { log: 50n, readModels: 20n };
    state.unattended = [task(1, 'unclaimed')];
    for (let beats = 0; beats < 5; beats += 1) await beat();
    state.positions = { log: 90n, readModels: 49n };
    await beat();
    expect(state.claims).toStrictEqual([]);
    state.positions = { log: 90n, readModels: 50n };
    await beat();
    expect(state.started).toStrictEqual([taskId(1)]);
  });

  it('drives so many at one time, and every open attempt besides', async () => {
    const { state, beat } = startSweep();
    await idle();
    const waiting = Array.from({ length: 200 }, (_, n) => task(n + 1, 'dead'));
    state.unattended = [...Array.from({ length: 200 }, (_, n) => task(n + 1_000, 'dead', true)), ...waiting];
    await beat();
    expect(state.started).toHaveLength(200 + 128);
    state.unattended = waiting.slice(128);
    await beat();
    expect(state.started).toHaveLength(200 + 128);
    for (const { taskId: id } of waiting.slice(0, 50)) state.driving.delete(id);
    await beat();
    expect(state.started).toHaveLength(200 + 128 + 50);
  });

  it('takes only some of one case, so that others have their turn', async () => {
    const { state, beat } = startSweep();
    await idle();
    const hot = Array.from({ length: 300 }, (_, n) => task(n + 1, 'dead', false, 'HOT'));
    state.unattended = [...hot, task(900, 'due'), task(901, 'dead')];
    await beat();
    expect(state.started).toStrictEqual([
      ...hot.slice(0, 16).map(({ taskId: id }) => id),
      taskId(900),
      taskId(901),
    ]);
    state.unattended = hot.slice(16);
    await beat();
    expect(state.started).toHaveLength(18);
    state.driving.delete(taskId(1));
    await beat();
    expect(state.started).toHaveLength(19);
  });

  it('leaves alone what this process has just failed to drive, and what it drives', async () => {
    const { state, beat } = startSweep();
    await idle();
    state.unattended = [task(1, 'dead'), task(2, 'dead')];
    state.resting.add(taskId(1));
    state.driving.add(taskId(2));
    await beat();
    expect(state.claims).toStrictEqual([]);
    state.resting.clear();
    await beat();
    expect(state.started).toStrictEqual([taskId(1)]);
  });

  it('reads parked cases from their own streams; one that cannot be folded holds up nothing', async () => {
    const later = retryScheduled(3, 1, { dueAt: '2026-01-02T00:00:00.000Z', reason: 'BACKEND_UNAVAILABLE' });
    const current = caseAfter([opened(), received(1), received(2), received(3), recommended(3), later]);
    const { state, beat } = startSweep({
      parkedCases: async () => ['BROKEN', 'C1001'],
      cases: {
        load: async (caseId) => {
          if (caseId === 'BROKEN') throw new Error('corrupt');
          return current;
        },
      },
    });
    await idle();
    expect(state.started).toStrictEqual([taskId(1), taskId(2)]);
    await beat();
    expect(state.started).toHaveLength(2);
  });

  it('takes nothing more when the process is ending', async () => {
    const { state, beat: next, ending, ended } = startSweep();
    await idle();
    state.unattended = [task(1, 'dead')];
    ending.abort();
    await next();
    await ended;
    expect(state.claims).toStrictEqual([]);
  });

  it('goes on when the coordinator comes back, and says once that it was away', async () => {
    const { state, beat, logged } = startSweep();
    await idle();
    state.fails = true;
    await beat();
    await beat();
    expect(logged).toHaveLength(1);
    state.fails = false;
    state.unattended = [task(1, 'dead')];
    await beat();
    expect(state.started).toStrictEqual([taskId(1)]);
  });
});

describe('the heartbeat', () => {
  it('says what this process drives, again and again, also after a failure', async () => {
    const clock = createFakeClock();
    const ending = new AbortController();
    const logger = recordingLogger();
    const beats: string[][] = [];
    let fails = false;
    let driving = [taskId(1)];
    const coordinator = {
      beat: async (ids: readonly string[]) => {
        if (fails) throw new Error('away');
        beats.push([...ids]);
      },
      unattended: async () => [],
      claim: async () => [],
      lead: async () => true,
      resign: async () => {},
      leave: async () => {},
    };
    const runner = { start: () => {}, driving: () => driving, isResting: () => false };
    const ended = beat({ coordinator, runner, clock, logger }, ending.signal);
    const next = async (): Promise<void> => {
      clock.advance(BEAT_MS);
      await idle();
    };
    await idle();
    fails = true;
    await next();
    await next();
    fails = false;
    driving = [];
    await next();
    expect(beats).toStrictEqual([[taskId(1)], []]);
    expect(logger.lines).toHaveLength(1);
    ending.abort();
    await ended;
  });
});
