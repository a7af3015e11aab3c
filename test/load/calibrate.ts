import { keepBusy } from './arrivals.ts';
import { type Caller, taskIdOf } from './caller.ts';
import type { Roster } from './roster.ts';

/** Enough to keep the service busy with the pauses that model and backend make, and not so many that they only queue. */
const WORKERS = 48;
/** Until code is compiled and connections are made, this share of the time does not count. */
const WARM_UP = 0.4;

/**
 * How many tasks a second the service carries from end to end: received, recommended, judged, executed and answered.
 *
 * @param accepted takes the ids of the tasks
 * @throws Error when a task is not answered with 200
 */
export async function calibrate(
  caller: Caller,
  roster: Roster,
  milliseconds: number,
  accepted: Set<string>,
): Promise<number> {
  const start = performance.now();
  const countFrom = start + milliseconds * WARM_UP;
  let counted = 0;
  await keepBusy(WORKERS, milliseconds, async () => {
    const answer = await caller.task(roster.nextTask());
    const taskId = taskIdOf(answer);
    if (answer.status !== 200 || taskId === null) throw new Error(`calibration got a ${answer.status}`);
    accepted.add(taskId);
    if (performance.now() >= countFrom) counted += 1;
  });
  return (counted * 1_000) / (performance.now() - countFrom);
}
