import { until } from '../support/until.ts';
import type { Load } from './load.ts';
import { ask } from './request.ts';
import type { Stage } from './stage.ts';
import { allIsWell } from './storm.ts';

const UNFINISHED = ['RECEIVED', 'DECIDED', 'EXECUTING', 'OUTCOME_UNKNOWN', 'RETRY_SCHEDULED'];
const ANSWERED_MS = 60_000;

/**
 * Mends everything, and waits until every request is answered and no task is unfinished, as the services themselves say.
 *
 * @param patienceMs longest wait for the last task
 */
export async function settle(stage: Stage, load: Load, patienceMs: number): Promise<void> {
  await mend(stage);
  await allIsWell(stage);
  let answered = false;
  const finished = load.finish().then(() => {
    answered = true;
  });
  await until('every request is answered', () => answered, ANSWERED_MS).finally(load.abandon);
  await finished;
  for (const { url, name } of stage.slots) {
    await until(`process ${name} knows of no unfinished task`, () => nothingIsUnfinished(url()), patienceMs);
  }
  await allIsWell(stage);
}

async function mend({ slots, model, backend, raisePostgres }: Stage): Promise<void> {
  await raisePostgres();
  model.outage = null;
  Object.assign(backend.outage, { partner: null, core: null });
  await Promise.all([model.accept(), backend.accept(), ...slots.map(({ link }) => link.heal())]);
}

async function nothingIsUnfinished(url: string | null): Promise<boolean> {
  if (url === null) return false;
  for (const status of UNFINISHED) {
    const reply = await ask<{ tasks?: unknown[] }>(url, 'GET', `/tasks?limit=1&status=${status}`);
    if (reply?.body.tasks?.length !== 0) return false;
  }
  return true;
}
