import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { until } from '../support/until.ts';
import { type ActionName, makeAction, WEIGHTS } from './actions.ts';
import { killService } from './kills.ts';
import { ask } from './request.ts';
import type { Stage } from './stage.ts';

/** Within so much time after a kill with nothing else wrong, every task of the dead process must have moved on. */
export const TAKEOVER_MS = 5_000;
/** A fault that was over for less than this may still make itself felt. */
export const AFTERMATH_MS = 2_000;
const READY_MS = 60_000;

/** How many things were killed so far. */
export const killsIn = ({ journal }: Stage): number =>
  journal.faults.filter(({ kind }) => kind.startsWith('kill')).length;

/**
 * One round: a process is killed while all is well, and nothing else happens until its tasks must have been taken over; then a few
 * faults at once, or nearly.
 */
export async function stormRound(stage: Stage, random: Random): Promise<void> {
  await allIsWell(stage);
  await sleep(AFTERMATH_MS + random.between(0, 500));
  const restartAfterMs = random.chance(0.5) ? 0 : random.between(500, 3_000);
  await Promise.all([killService(stage, random.pick(stage.slots), restartAfterMs), sleep(TAKEOVER_MS + 200)]);
  const several = Array.from({ length: random.between(2, 4) }, () => random.weighted(WEIGHTS));
  await severalAtOnce(stage, random, several, 1);
}

/**
 * Several actions that begin within a short time of each other. What needs something that another one has taken is left out.
 *
 * @param scale by which every duration is multiplied
 * @returns resolves when all is over
 */
export async function severalAtOnce(
  stage: Stage,
  random: Random,
  names: readonly ActionName[],
  scale: number,
): Promise<void> {
  const taken = new Set<string>();
  const running: Promise<void>[] = [];
  for (const name of names) {
    const action = makeAction(name, { stage, random, scale });
    if (action.needs.some((need) => taken.has(need))) continue;
    for (const need of action.needs) taken.add(need);
    running.push(action.run());
    await sleep(scale * random.between(0, 1_500));
  }
  await Promise.all(running);
}

/** Waits until both processes serve and say that they are ready. */
export async function allIsWell({ slots }: Stage): Promise<void> {
  const isReady = async (url: string | null): Promise<boolean> =>
    url !== null && (await ask(url, 'GET', '/readyz'))?.status === 200;
  for (const slot of slots) {
    await until(`process ${slot.name} is ready`, () => isReady(slot.url()), READY_MS);
  }
}
