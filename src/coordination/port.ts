/** A task that needs somebody, and that no live process says it drives. */
export type Unattended = {
  readonly taskId: string;
  readonly caseId: string;
  /** In the middle of an attempt: whoever takes it over waits until that attempt must have ended. */
  readonly executing: boolean;
  /**
   * `due`: its retry has fallen due, or the time in which a person was to decide has passed. `dead`: the process that drove it has
   * gone silent. `unclaimed`: no process has said that it drives it; perhaps one that has just received it will say so in a moment.
   */
  readonly why: 'due' | 'dead' | 'unclaimed';
};

/**
 * What the processes of one service tell each other: who is alive, who drives which task, who projects. It only avoids waste:
 * safety rests on expected revisions and on the checkpoint's compare-and-swap, whatever this says. Every method rejects when it
 * cannot be reached in time.
 */
export type Coordinator = {
  /**
   * Says that this process is alive, for ALIVE_MS from now, and which tasks it drives: that is its lease on them.
   *
   * @param driving ids of all tasks that it drives
   */
  readonly beat: (driving: readonly string[]) => Promise<void>;
  /**
   * Tasks that need somebody, as the read models know them: driven by no live process, and either unfinished, or with a retry due,
   * or with a person for longer than it should. Those in the middle of an attempt first, then the oldest. Tasks of parked cases are
   * not among them: their rows are stale.
   *
   * @param now ISO 8601; what is due by then counts
   */
  readonly unattended: (now: string, limit: number) => Promise<Unattended[]>;
  /**
   * Takes tasks for this process: from then on they count as driven by it, as in `beat`. A beat that is under way meanwhile does
   * not forget them; the next one decides. Two claims of one process come one after the other.
   *
   * @returns those that no other live process drives, in the order asked for; none while this process does not count as alive
   *   itself, because it would not keep them
   */
  readonly claim: (taskIds: readonly string[]) => Promise<string[]>;
  /**
   * Becomes, or stays, the one process that writes the read models, for ALIVE_MS from now.
   *
   * @returns false when another live process is it
   */
  readonly lead: () => Promise<boolean>;
  /** Gives the lead back, if this process has it. */
  readonly resign: () => Promise<void>;
  /** Says goodbye: what this process drove and led is free at once. The last thing it says: a beat would bring it back. */
  readonly leave: () => Promise<void>;
};

/** How often a process says that it is alive, in milliseconds. */
export const BEAT_MS = 500;
/** How long a process counts as alive after it said so, in milliseconds, by the coordinator's own clock. */
export const ALIVE_MS = 2_000;
/** So many tasks of one case are taken before those of other cases: they act one after the other anyway. */
export const FAIR_SHARE = 16;
