import type { Pool } from 'pg';
import { applyMigrations } from './migrations.ts';
import { createPool, type PoolOptions, serviceRoleOf } from './pool.ts';

export type MigratedPool = {
  readonly pool: Pool;
  /** The role it works under; null: the user of the URL. */
  readonly role: string | null;
};

/**
 * Brings a database's schema up to date, and makes a pool on it that works under the service's own role where there is one.
 *
 * @param onNotice told what the server remarks while migrating
 * @throws MigrationError, or the driver's error
 */
export async function openMigratedPool(
  options: Pick<PoolOptions, 'url' | 'max' | 'onError'>,
  onNotice: (notice: string) => void = () => {},
): Promise<MigratedPool> {
  await applyMigrations(options.url, { onNotice });
  const named = { ...options, applicationName: 'case-orchestrator' };
  const owner = createPool({ ...named, max: 1 });
  const role = await serviceRoleOf(owner).finally(() => owner.end());
  return { pool: createPool({ ...named, role }), role };
}
