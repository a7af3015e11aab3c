export const SIGNALS_VERSION = '1';
/** What plain deterministic text analysis says of a task's text (DESIGN section 2). */
export type Signals = {
  readonly negated: boolean;
  readonly uncertain: boolean;
  readonly severalRequests: boolean;
  readonly instructsSystem: boolean;
};
