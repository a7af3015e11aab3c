import type { Fleet, Process } from './fleet.ts';
import { CHANNELS } from './host.ts';
import { rebuildReadModels } from './rebuilding.ts';
import type { TimedFault } from './scenario.ts';
import type { Shared } from './shared.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;
/** What is written with a clock that is ahead cannot be taken back, so it is ahead by so much only. */
export const MOST_AHEAD_MS = 10_000;

/** Lets a timed fault happen to some process. */
export function unleash(
  world: World,
  fleet: Fleet,
  shared: Shared,
  caseIds: readonly string[],
  fault: TimedFault,
): void {
  const { random, count, tell, timeline } = world;
  const { coordination, coordinatorClock, refusedCases } = shared;
  const { kind, milliseconds } = fault;
  const living = fleet.living();
  if (living.length === 0) return;
  const process: Process = random.pick(living);
  const { host, lies } = process;
  const lie = (which: keyof Process['lies']): void => {
    lies[which] = true;
    timeline.after(milliseconds, () => {
      lies[which] = false;
    });
  };
  count(`fault/${kind}`);
  tell(() => `FAULT ${kind} ${host.name} ${milliseconds} ms`);
  switch (kind) {
    case 'crashNow':
      fleet.crash(host);
      return;
    case 'freeze':
      host.freeze(milliseconds);
      return;
    case 'partition':
      host.cut(random.pick(CHANNELS), milliseconds);
      return;
    case 'isolation':
      for (const channel of CHANNELS) host.cut(channel, milliseconds);
      return;
    case 'jumpForth':
      host.jump(random.between(1, MOST_AHEAD_MS));
      return;
    case 'jumpBack':
      host.jump(-random.between(1, random.chance(0.5) ? MOST_AHEAD_MS : HOUR_MS));
      return;
    case 'stop':
      fleet.stop(process);
      return;
    case 'lieLeads':
      for (const one of living) one.lies.leads = true;
      lie('leads');
      return;
    case 'lieClaims':
      lie('claims');
      return;
    case 'lieUnattended':
      lie('unattended');
      return;
    case 'coordinatorForgets':
      coordination.forget();
      return;
    case 'coordinatorJumps':
      coordinatorClock.offset = random.between(-MOST_AHEAD_MS, MOST_AHEAD_MS);
      return;
    case 'rowsRefused': {
      const caseId = random.pick(caseIds);
      refusedCases.add(caseId);
      timeline.after(milliseconds, () => refusedCases.delete(caseId));
      return;
    }
    case 'rebuild':
      void rebuildReadModels(world, fleet.link, shared, random.chance(0.3) ? random.between(0, 500) : null);
      return;
  }
}
