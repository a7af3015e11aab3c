/**
 * How often a property is tried: so often in the suite, and more often with LONG_RUNS=true (`npm run test:long`).
 * What the shorter run must still come by, its test asserts.
 */
export const runs = (inSuite: number, long: number): number =>
  process.env.LONG_RUNS === 'true' ? long : inSuite;
