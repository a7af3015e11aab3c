import type { Spread } from './run.ts';

const MIB = 1_048_576;

/** How a number is written: with as many digits as it is good for. */
export const rounded = (number: number): string => {
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString('en-US');
  return number.toFixed(Math.abs(number) >= 10 ? 1 : 2);
};

const NONE = 'not run';

/** The middle one. */
export const middle = (spread: Spread, unit = ''): string =>
  spread === null ? NONE : `${rounded(spread.median)}${unit}`;

/** The middle one, and the outermost where they differ. */
export function withSpread(spread: Spread, unit = ''): string {
  if (spread === null) return NONE;
  const { least, most } = spread;
  if (rounded(least) === rounded(most)) return middle(spread, unit);
  return `${rounded(spread.median)}${unit} (${rounded(least)}–${rounded(most)})`;
}

/** Bytes as MiB. */
export const mebibytes = (spread: Spread): Spread =>
  spread && { median: spread.median / MIB, least: spread.least / MIB, most: spread.most / MIB };
