import { systemClock } from '../runtime/clock.ts';
import { explain } from '../startErrors.ts';

/** Runs a command: what it throws is told on standard error, a line per problem, and the exit code says so. */
export function run(command: () => Promise<void>): void {
  command().catch((error: unknown) => {
    process.stderr.write(`${explain(error, 'The command failed')}\n`);
    process.exitCode = 1;
  });
}

/** Writes one line for the person who runs the command. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Writes lines that may hold what somebody has put into a log: nothing in them steers a terminal. */
export const sayLines = (lines: readonly string[]): void => {
  for (const line of lines) say(line.replace(/\p{C}/gu, '?'));
};

/** Tells the person who runs the command why it does nothing; the exit code says so too. */
export const refuse = (line: string): void => {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
};

const PROGRESS_EVERY_MS = 1_000;

/** Tells of progress, and at most once a second, however often it is called. */
export function everySecond<Progress>(tell: (progress: Progress) => void): (progress: Progress) => void {
  let told = systemClock.monotonicMs();
  return (progress) => {
    if (systemClock.monotonicMs() - told < PROGRESS_EVERY_MS) return;
    told = systemClock.monotonicMs();
    tell(progress);
  };
}
