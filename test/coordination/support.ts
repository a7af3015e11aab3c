import type pg from 'pg';
import { createPool, type PoolOptions, serviceRoleOf } from '../../src/postgres/pool.ts';
import { createPostgresRowStore } from '../../src/projections/postgresRowStore.ts';
import { projection } from '../../src/projections/projection.ts';
import type { RowStore } from '../../src/projections/rowStore.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';
import { createTestDatabase } from '../support/database.ts';

/** A migrated database with the table that a coordinator looks at. */
export type CoordinationDatabase = {
  readonly url: string;
  /** As the owner. */
  readonly owner: pg.Pool;
  /** Another pool, which works under the service's role; closed with the database. */
  readonly pool: (options?: Partial<PoolOptions>) => Promise<pg.Pool>;
  readonly rowStore: RowStore;
  /** Makes everything that was said so much older, as if the clock had moved on; newer with a negative number. */
  readonly age: (milliseconds: number) => Promise<void>;
  readonly forget: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function openCoordinationDatabase(hint: string): Promise<CoordinationDatabase> {
  const database = await createTestDatabase(hint);
  const pools: pg.Pool[] = [];
  const open = (options: Partial<PoolOptions>): pg.Pool => {
    const made = createPool({
      url: database.url,
      max: 5,
      applicationName: 'test',
      onError: () => {},
      ...options,
    });
    pools.push(made);
    return made;
  };
  const owner = open({});
  const role = await serviceRoleOf(owner);
  const rowStore = createPostgresRowStore(open({ role }));
  await rowStore.prepare([projection(tasksProjection)]);
  return {
    url: database.url,
    owner,
    pool: async (options = {}) => open({ role, ...options }),
    rowStore,
    age: async (milliseconds) => {
      const interval = `${milliseconds} milliseconds`;
      await owner.query('update coordination.processes set beat_at = beat_at - $1::interval', [interval]);
      await owner.query('update coordination.leader set renewed_at = renewed_at - $1::interval', [interval]);
    },
    forget: async () => {
      await owner.query('truncate coordination.processes, coordination.leader');
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await database.drop();
    },
  };
}
