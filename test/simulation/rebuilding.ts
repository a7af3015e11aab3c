import { codec } from '../../src/eventstore/codec.ts';
import { readLogId } from '../../src/eventstore/identity.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { fingerprintOf, READ_MODELS } from '../../src/projections/readModels.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { createHost } from './host.ts';
import type { Link } from './link.ts';
import { replaceableRowsOf } from './ports/rows.ts';
import { storeOf } from './ports/store.ts';
import type { Shared } from './shared.ts';
import type { World } from './world.ts';

/**
 * Makes the read models anew, in a process of its own, while the others go on.
 *
 * @param diesAfterMs when that process dies; null: it may finish
 * @returns whether it has finished; false where it failed. Never settles where it died
 */
export async function rebuildReadModels(
  world: World,
  link: Link,
  shared: Shared,
  diesAfterMs: number | null,
): Promise<boolean> {
  const { timeline, count, tell, newId } = world;
  const host = createHost(world, 'rebuild');
  const store = storeOf(host, link, shared, { knows: () => {} }, 'memory');
  if (diesAfterMs !== null) timeline.after(diesAfterMs, host.kill);
  tell(() => 'A REBUILD STARTS');
  try {
    const logId = await readLogId(createEventLog(store, newId));
    if (logId === null) return false;
    const rowStore = replaceableRowsOf(host, link, shared.rows);
    const fingerprint = fingerprintOf('memory');
    await rebuild(
      { store, codec, rowStore, projections: READ_MODELS, logId, fingerprint, clock: host.clock },
      () => {},
    );
    count('rebuild/done');
    tell(() => 'A REBUILD IS DONE');
    return true;
  } catch (error) {
    count('rebuild/failed');
    tell(() => `A REBUILD FAILS: ${String(error)}`);
    host.kill();
    return false;
  }
}
