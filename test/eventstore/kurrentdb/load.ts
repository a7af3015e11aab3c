import { expect } from 'vitest';
import {
  type AppendResult,
  type EventStore,
  NO_STREAM,
  type StoredEvent,
} from '../../../src/eventstore/port.ts';
import { until } from '../../support/until.ts';
import { bytesOf, newEvents, readWholeLog, readWholeStream, upTo } from '../contract/support.ts';

const WRITERS = 32;
const STREAMS = 8;
const PATIENCE_MS = 12_000;

/** What one writer was told: its append, and the answer. */
type Written = {
  readonly stream: string;
  readonly events: readonly StoredEvent[];
  readonly result: Extract<AppendResult, { kind: 'appended' }>;
};

export type Load = {
  /** Appends acknowledged so far. */
  readonly appended: () => number;
  /** Waits until so many more appends are acknowledged. */
  readonly more: (count: number) => Promise<void>;
  /** Lets every writer finish the append that it is about. */
  readonly stop: () => Promise<readonly Written[]>;
  /** The longest that one call of `append` took, in milliseconds. */
  readonly longestMs: () => number;
  /** How often an append was given up as unavailable; it was then repeated as it was. */
  readonly givenUp: () => number;
};

/** 32 writers on 8 streams, each appending one to three events at a time at its stream's end. */
export function startLoad(store: EventStore): Load {
  const written: Written[] = [];
  let stopped = false;
  let longestMs = 0;
  let givenUp = 0;

  const appendOnce = async (
    stream: string,
    expected: number,
    events: readonly StoredEvent[],
  ): Promise<AppendResult> => {
    for (;;) {
      const start = performance.now();
      try {
        return await store.append(stream, expected, events);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE')) throw error;
        givenUp += 1;
      } finally {
        longestMs = Math.max(longestMs, performance.now() - start);
      }
    }
  };
  const write = async (writer: number): Promise<void> => {
    const stream = `case-${writer % STREAMS}`;
    let expected = NO_STREAM;
    for (let step = 0; !stopped; step += 1) {
      const events = newEvents(1 + ((writer + step) % 3));
      let result = await appendOnce(stream, expected, events);
      while (result.kind === 'conflict') result = await appendOnce(stream, result.revision, events);
      expected = result.revision;
      written.push({ stream, events, result });
    }
  };
  const all = Promise.all(upTo(WRITERS).map(write));
  all.catch(() => {});
  return {
    appended: () => written.length,
    more: async (count) => {
      const enough = written.length + count;
      const reached = until(`${count} more appends`, () => written.length >= enough, PATIENCE_MS);
      await Promise.race([reached, all.then(() => reached)]);
    },
    stop: async () => {
      stopped = true;
      await all;
      return written;
    },
    longestMs: () => longestMs,
    givenUp: () => givenUp,
  };
}

/** Everything acknowledged is in the log once, where its answer said, and nothing else is. */
export async function expectExactly(store: EventStore, written: readonly Written[]): Promise<void> {
  const log = await readWholeLog(store);
  expect(log.length).toBe(written.reduce((sum, { events }) => sum + events.length, 0));
  for (const stream of new Set(written.map((append) => append.stream))) {
    const stored = await readWholeStream(store, stream);
    expect(stored).toEqual(log.filter((event) => event.stream === stream));
    const own = written
      .filter((append) => append.stream === stream)
      .sort((a, b) => a.result.revision - b.result.revision);
    expect(own.flatMap((append) => append.events)).toEqual(stored.map(bytesOf));
    expect(own.flatMap((append) => append.result.positions)).toEqual(stored.map((event) => event.position));
    expect(own.map((append) => append.result.revision)).toEqual(ends(own));
  }
}

function ends(appends: readonly Written[]): number[] {
  let end = NO_STREAM;
  return appends.map(({ events }) => {
    end += events.length;
    return end;
  });
}

/** Records what nobody caught, from now until `stop`. */
export function watchUncaught(): { readonly seen: readonly unknown[]; readonly stop: () => void } {
  const seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  return {
    seen,
    stop: () => {
      process.off('unhandledRejection', note);
      process.off('uncaughtException', note);
    },
  };
}
