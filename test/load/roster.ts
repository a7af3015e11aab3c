import type { Caller, Sent } from './caller.ts';

/**
 * Cases under load. A few hundred are in use at a time; each gets its share of tasks and then gives way to a new one, as cases do:
 * a service that keeps what it knows of lately used cases does so for a steady number of them.
 */
export type Roster = {
  /** A task for the next case, whose text no task had before. */
  readonly nextTask: () => Sent;
  /** How many cases were opened. */
  readonly opened: () => number;
  /** Resolves when no case is being opened any more. */
  readonly idle: () => Promise<void>;
};

const TASKS_PER_CASE = 8;

/** A text that raises no signal; another number is another task. */
const textOf = (number: number): string =>
  `Partner API failed again with timeout, please retry for policy ${number}`;

/**
 * Opens the first cases.
 *
 * @param size how many are in use at a time
 * @throws Error when a case cannot be opened
 */
export async function createRoster(caller: Caller, prefix: string, size: number): Promise<Roster> {
  const cases: { id: string; tasks: number }[] = [];
  const opening = new Set<Promise<void>>();
  let count = 0;
  let turn = 0;
  let failed = 0;

  const openCase = async (): Promise<string> => {
    count += 1;
    const caseId = `${prefix}-${count}`;
    const { status } = await caller.post('/cases', { caseId, priority: 'MEDIUM', lastErrorType: 'TIMEOUT' });
    if (status !== 201) throw new Error(`case ${caseId} was not opened: ${status}`);
    return caseId;
  };
  /** The old case goes on until the new one is there. */
  const replace = (place: number): void => {
    const work = openCase().then(
      (id) => {
        cases[place] = { id, tasks: 0 };
      },
      () => {
        failed += 1;
      },
    );
    opening.add(work);
    void work.finally(() => opening.delete(work));
  };

  for (let place = 0; place < size; place += 20) {
    const ids = await Promise.all(Array.from({ length: Math.min(20, size - place) }, openCase));
    // Not all of them are to end at one time.
    for (const id of ids) cases.push({ id, tasks: cases.length % TASKS_PER_CASE });
  }
  return {
    nextTask: () => {
      const place = turn % size;
      turn += 1;
      const current = cases[place];
      if (!current) throw new Error('the roster is empty');
      current.tasks += 1;
      if (current.tasks === TASKS_PER_CASE) replace(place);
      return { caseId: current.id, text: textOf(turn) };
    },
    opened: () => count - failed,
    idle: async () => {
      await Promise.all(opening);
    },
  };
}
