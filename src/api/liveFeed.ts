import pLimit from 'p-limit';
import type { Change } from '../projections/changes.ts';
import type { ReadModels } from '../projections/queries.ts';
import type { Clock } from '../runtime/clock.ts';
import type { PositionTokens } from './positions.ts';
import { reviewSummary, reviewSummaryView } from './reviewList.ts';
import { taskSummary, taskSummaryView } from './tasks.ts';

/** What is sent of one task that has changed. */
export type LiveChange = {
  readonly caseId: string;
  /** Every queue that it waits in, or has waited in. */
  readonly queues: readonly string[];
  /** Its events, as text/event-stream. */
  readonly text: string;
};

export type LivePage = {
  readonly changes: readonly LiveChange[];
  /** Where to go on. */
  readonly reached: bigint;
  /** Whether there is more already. */
  readonly more: boolean;
};

/** Changes of the read models for all connections of this process. */
export type LiveFeed = {
  /** Changes behind a position; read once for all connections that are equally far. */
  readonly read: (after: bigint) => Promise<LivePage>;
  /** Calls back when there may be more to read, until what is returned is called. */
  readonly onChange: (listener: () => void) => () => void;
};

export type LiveFeedDependencies = {
  readonly readModels: Pick<ReadModels, 'changes' | 'position' | 'onCommitted'>;
  readonly positions: PositionTokens;
  readonly clock: Clock;
};

/** Most tasks in one read. */
const PAGE = 100;
/** Connections are told at most so often that there is more: a busy system is read in larger pieces. */
const PAUSE_MS = 100;
/** Reads at one time: clients that come back after days must not take all connections to the database. */
const READS_AT_ONCE = 2;
/** How often to look whether another process has projected. */
const POLL_MS = 500;

export function createLiveFeed(deps: LiveFeedDependencies): LiveFeed {
  const { readModels, clock } = deps;
  const listeners = new Set<() => void>();
  const reading = new Map<string, Promise<LivePage>>();
  const turn = pLimit(READS_AT_ONCE);
  let seen: bigint | null = null;
  let ticks = 0;
  let watching = false;

  /** One look for all connections, for as long as there are any. */
  const watch = async (): Promise<void> => {
    watching = true;
    let committed = new AbortController();
    const stop = readModels.onCommitted(() => committed.abort());
    while (listeners.size > 0) {
      committed = new AbortController();
      // Where the database does not answer nothing is told: connections wait, as for any change.
      const position = await readModels.position().catch(() => seen);
      if (position !== seen) {
        seen = position;
        ticks += 1;
        for (const listener of listeners) listener();
      }
      await clock.sleep(PAUSE_MS);
      await clock.sleep(POLL_MS - PAUSE_MS, committed.signal);
    }
    stop();
    watching = false;
  };

  const read = async (after: bigint): Promise<LivePage> => {
    const { changes, reached } = await readModels.changes(after, PAGE);
    const now = clock.now();
    return {
      changes: changes.map((change) => rendered(change, now, deps.positions)),
      reached,
      more: changes.length === PAGE,
    };
  };

  return {
    read: (after) => {
      // Not one that began before the newest tick: it may lack what the tick told of.
      const key = `${ticks}/${after}`;
      const running = reading.get(key) ?? turn(() => read(after)).finally(() => reading.delete(key));
      reading.set(key, running);
      return running;
    },
    onChange: (listener) => {
      listeners.add(listener);
      if (!watching) void watch();
      return () => listeners.delete(listener);
    },
  };
}

/** Each id is a position behind which everything is still to come; so that of the first of two events is the one just before. */
function rendered({ task, review }: Change, now: string, { encode }: PositionTokens): LiveChange {
  const position = BigInt(task.position);
  const hasReview = review.state !== 'NONE';
  const texts = [
    eventText('task', encode(hasReview ? position - 1n : position), taskSummary.parse(taskSummaryView(task))),
  ];
  if (hasReview) {
    texts.push(eventText('review', encode(position), reviewSummary.parse(reviewSummaryView(review, now))));
  }
  return { caseId: task.case_id, queues: review.queues, text: texts.join('') };
}

/** JSON holds no line break, so it is one line of data. */
const eventText = (name: string, id: string, data: unknown): string =>
  `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
