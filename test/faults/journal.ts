import type { Death } from './slot.ts';

export type FaultKind =
  | 'kill -9 of a process'
  | 'kill -9 of Postgres'
  | 'process frozen'
  | 'connections cut'
  | 'silence, then cut'
  | 'silence, then all is delivered'
  | 'answers lost'
  | 'disk full (53100)'
  | 'read-only (25006)'
  | 'too many connections (53300)'
  | 'shutting down (57P01, 57P03)'
  | 'model down'
  | 'backend down';

/** One fault, from when to when. Milliseconds since 1970. */
export type FaultRecord = {
  readonly kind: FaultKind;
  readonly target: string;
  readonly from: number;
  /** Null while it lasts. */
  to: number | null;
};

/** A service process that was killed, with what the takeover of its tasks is measured from. */
export type Kill = Death & {
  /** Tasks that it had said it drives, as its last heartbeat and its last claim left them. */
  readonly driving: readonly string[];
  /** Whether the other process was serving. */
  readonly hasSurvivor: boolean;
};

/** Something that must not be. */
export type Violation = { readonly rule: string; readonly where: string; readonly what: string };

/** Everything that was done to the service, and everything that must not have happened. */
export type Journal = {
  readonly faults: readonly FaultRecord[];
  readonly kills: readonly Kill[];
  readonly violations: readonly Violation[];
  /** Notes a fault; the function that it returns notes its end. */
  readonly begin: (kind: FaultKind, target: string) => () => void;
  /** Whether some fault lasts, or was over only just now. */
  readonly isAnythingWrong: () => boolean;
  readonly killed: (kill: Kill) => void;
  readonly violate: (rule: string, where: string, what: string) => void;
};

const JUST_NOW_MS = 5_000;

/** @param say takes a line about each fault and violation, at once */
export function createJournal(say: (line: string) => void): Journal {
  const faults: FaultRecord[] = [];
  const kills: Kill[] = [];
  const violations: Violation[] = [];
  return {
    faults,
    kills,
    violations,
    begin: (kind, target) => {
      const record: FaultRecord = { kind, target, from: Date.now(), to: null };
      faults.push(record);
      say(`${kind} (${target})`);
      return () => {
        record.to = Date.now();
      };
    },
    isAnythingWrong: () => faults.some(({ to }) => to === null || Date.now() - to < JUST_NOW_MS),
    killed: (kill) => {
      kills.push(kill);
    },
    violate: (rule, where, what) => {
      violations.push({ rule, where, what });
      say(`VIOLATION ${rule}: ${where}: ${what}`);
    },
  };
}

/** How many faults of each kind there were. */
export function countKinds(faults: readonly FaultRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
