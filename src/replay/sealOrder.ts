/**
 * Which of some values are in order: a longest selection that strictly rises, so that as few as can be are out of order.
 *
 * @param values null where there is none
 * @returns indices of the selection
 */
export function risingSelection(values: readonly (bigint | null)[]): ReadonlySet<number> {
  // The end of the best selection of each length so far; and what comes before each value in its own best one.
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const length = firstNotBelow(ends, values, value);
    before[index] = ends[length - 1];
    ends[length] = index;
  }
  const selection = new Set<number>();
  for (let index = ends.at(-1); index !== undefined; index = before[index]) selection.add(index);
  return selection;
}

/** How many selections end below a value: their ends rise with their lengths. */
function firstNotBelow(ends: readonly number[], values: readonly (bigint | null)[], value: bigint): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const end = values[ends[middle] ?? 0] ?? value;
    if (end < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
