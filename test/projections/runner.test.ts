import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Coordinator } from '../../src/coordination/port.ts';
import { createPostgresCoordinator } from '../../src/coordination/postgres.ts';
import { createCodec } from '../../src/eventstore/codec.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { storedSchemas } from '../../src/eventstore/schemas.ts';
import { createLeadership } from '../../src/projections/leadership.ts';
import type { RowStore } from '../../src/projections/rowStore.ts';
import { type Runner, type RunnerDependencies, startRunner } from '../../src/projections/runner.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { opened, received, stateChanged } from '../support/builders.ts';
import { until } from '../support/until.ts';
import { closePostgres, createRig, type PostgresRows, postgresRows, type Rig } from './support.ts';

type Started = Runner & {
  readonly processId: string;
  readonly stop: () => Promise<void>;
  readonly errors: readonly unknown[];
  /** From now on its renewals get no answer, until the function returned is called. */
  readonly freeze: () => () => void;
};

let rows: PostgresRows;
let rig: Rig;
let runners: Started[] = [];

beforeEach(async () => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore);
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  runners = [];
});
afterAll(closePostgres);

/** Pauses of seconds pass in a fiftieth of their time. */
const hurried = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 50, signal),
};

function start(changes: Partial<RunnerDependencies> = {}): Started {
  const shutdown = new AbortController();
  const errors: unknown[] = [];
  let answering = Promise.resolve();
  const processId = uuidv7();
  const coordinator = createPostgresCoordinator(rows.pool, processId);
  const freezable: Pick<Coordinator, 'lead' | 'resign'> = {
    resign: coordinator.resign,
    lead: async () => {
      await answering;
      return coordinator.lead();
    },
  };
  const runner = startRunner(
    {
      ...rig.deps,
      lead: createLeadership(freezable, hurried),
      clock: hurried,
      logger: {
        info: () => {},
        warn: () => {},
        error: (fields, message) => errors.push({ message, ...fields }),
      },
      onCommit: () => {},
      ...changes,
    },
    shutdown.signal,
  );
  const started = {
    ...runner,
    processId,
    errors,
    freeze: () => {
      let thaw: () => void = () => {};
      answering = new Promise((resolve) => {
        thaw = resolve;
      });
      return thaw;
    },
    stop: () => {
      shutdown.abort();
      return runner.ended;
    },
  };
  runners.push(started);
  return started;
}

const caughtUp = (): Promise<unknown> =>
  until('the read models have caught up', async () => {
    const checkpoint = await rows.rowStore.checkpoint().catch(() => null);
    return checkpoint?.position === (await rig.store.lastPosition());
  });
const leaders = (): Started[] => runners.filter((runner) => runner.status().leads);
const oneLeads = (): Promise<Started> =>
  until('exactly one leads', () => (leaders().length === 1 ? leaders()[0] : null));

describe('several runners', () => {
  it('one leads, and when it stops another one does', async () => {
    start();
    start();
    start();
    const first = await oneLeads();
    await rig.append('A', opened());
    await caughtUp();
    await first.stop();
    const second = await oneLeads();
    expect(second).not.toBe(first);
    await rig.append('A', stateChanged('SUSPENDED'));
    await caughtUp();
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'A', state: 'SUSPENDED' }]);
    expect(runners.map(({ status }) => status().stopped)).toEqual([null, null, null]);
  });

  it('when the one that leads falls silent, one takes over, and nothing is lost or done twice while both project', async () => {
    start();
    start();
    await oneLeads();
    await rig.append('A', opened());
    await caughtUp();
    for (let n = 1; n <= 5; n += 1) {
      const silent = await oneLeads();
      const thaw = silent.freeze();
      await until('another one leads', async () => {
        await rows.pool.query(
          `update coordination.leader set renewed_at = renewed_at - interval '1 hour' where process_id = $1`,
          [silent.processId],
        );
        return leaders().some((runner) => runner !== silent);
      });
      await rig.append('A', received(n));
      await caughtUp();
      thaw();
    }
    expect((await rows.dump()).tasks).toHaveLength(5);
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'A', revision: 5 }]);
  });
});

describe('a runner', () => {
  it('tells of a poison event, and goes on', async () => {
    await rig.append('A', opened());
    await rig.appendRaw('A', { type: 'CaseStateChanged', data: '{}' });
    await rig.append('B', opened());
    const runner = start();
    await caughtUp();
    await until('it is told', () => runner.errors.length > 0);
    expect(runner.errors).toEqual([
      {
        message: 'an event cannot be projected: its case is parked until a rebuild',
        stream: 'case-A',
        revision: 1,
        code: 'MALFORMED_EVENT',
      },
    ]);
    expect(runner.status()).toEqual({ leads: true, stopped: null, parked: 1 });
  });

  it('stops at an event of later code and says so, until a process that knows it takes over', async () => {
    await rig.append('A', opened());
    await rig.appendRaw('A', { type: 'CaseMerged', data: '{}' });
    await rig.append('B', opened());
    const older = start();
    await until('it has stopped', () => older.status().stopped !== null);
    expect(older.status().stopped).toBe('event type CaseMerged is not known to this version');
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'A' }]);

    const types = Object.entries({ ...storedSchemas, CaseMerged: z.strictObject({}) });
    const newer = start({
      codec: createCodec(
        Object.fromEntries(types.map(([type, schema]) => [type, { version: 1, schema, upcasters: [] }])),
      ),
    });
    await caughtUp();
    expect(newer.status()).toMatchObject({ leads: true, stopped: null });
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'A', revision: 1 }, { case_id: 'B' }]);
    await until('the older one knows that another projects', () => older.status().stopped === null);
  });

  it('is stopped no longer than what stopped it, also when nothing new comes', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    let failures = 0;
    const unreachable = async (): Promise<never> => {
      failures += 1;
      throw new StoreUnavailableError('the event store did not answer', null);
    };
    const rowStore: RowStore = {
      ...rows.rowStore,
      checkpoint: () => (failures < 3 ? unreachable() : rows.rowStore.checkpoint()),
    };
    const runner = start({ rowStore });
    await until('it has stopped', () => runner.status().stopped !== null);
    expect(runner.status().stopped).toBe('projecting failed; see the log');
    await until('it goes on', () => runner.status().leads && runner.status().stopped === null);
    expect(failures).toBe(3);
  });

  it('refuses the read models of another log, and says what to do', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const runner = start({ logId: '019b0000-0000-7000-8000-00000000beef' });
    await until('it has stopped', () => runner.status().stopped !== null);
    expect(runner.status().stopped).toContain('npm run rebuild');
  });
});
