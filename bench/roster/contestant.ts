import type { Target } from '../load/orders.ts';
import type { Database } from '../postgres.ts';

/** What a contestant gets for one visit. */
export type Surroundings = {
  readonly database: Database;
  readonly modelUrl: string;
  readonly backendUrl: string;
  /** Prompt and answer format as JSON, for those that do not make them themselves. */
  readonly promptFile: string;
  /** A folder of its own that is removed afterwards. */
  readonly folder: string;
  readonly logFile: string;
  /** For the Node processes of the contestant, such as a profiler's. */
  readonly nodeOptions: string;
};

/** A contestant that serves. */
export type Serving = {
  readonly target: Target;
  /** Its processes, a server of its own included; Postgres is not among them. */
  readonly pids: readonly number[];
  /** Makes the cases that tasks will be about, where it has cases. */
  readonly openCases: (count: number) => Promise<void>;
  /** How many tasks its own store holds as done. */
  readonly done: () => Promise<number>;
  readonly stop: () => Promise<void>;
};

export type Contestant = {
  /** For flags, files and databases. */
  readonly name: string;
  readonly label: string;
  /** Packages whose versions the report names. */
  readonly packages: readonly string[];
  /** What a reader must know of how it takes part. */
  readonly note: string;
  /** What it makes of tasks that are all about one case. */
  readonly hotNote: string;
  readonly start: (surroundings: Surroundings) => Promise<Serving>;
};

/** As many database connections as this project's service keeps: 20, 3 for coordination, 4 for projections. */
export const CONNECTIONS = 27;
