import type { Score } from './report.ts';

/** A share of a whole, in words: `12 of 40 (30%)`. */
export function shareOf(part: number, whole: number): string {
  if (whole === 0) return `${part} of 0`;
  const percent = (part * 100) / whole;
  const shown =
    percent > 0 && percent < 1
      ? 'less than 1'
      : percent > 99 && percent < 100
        ? 'over 99'
        : Math.round(percent);
  return `${part} of ${whole} (${shown}%)`;
}

/** What a score comes to: of how many tasks the backend's result is known, and of how many anything is. */
export function totalsOf({ tasks, fates }: Score): {
  readonly withResult: number;
  readonly notDone: number;
  readonly unknownFate: number;
  readonly tasks: number;
} {
  const notDone = fates.FAILED + fates.UNKNOWN;
  return {
    tasks,
    notDone,
    withResult: fates.SUCCEEDED + notDone,
    unknownFate: fates.NOTHING_KNOWN + fates.APPROVED,
  };
}
