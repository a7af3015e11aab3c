import type { AppendResult, EventStore, StoredEvent } from '../../src/eventstore/port.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';

export type AppendCall = {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly events: readonly StoredEvent[];
  /** Counts appends from 1, repeats among them. */
  readonly number: number;
};

export type AppendHooks = {
  /** Runs before the append; throwing keeps it from happening. */
  before?: (call: AppendCall) => void | Promise<void>;
  /** Runs after the append; throwing loses its answer. */
  after?: (call: AppendCall, result: AppendResult) => void | Promise<void>;
};

/** A store that tells of its appends, and lets a test come between. */
export function watchedStore(store: EventStore): EventStore & {
  readonly appends: (AppendCall & { readonly result: AppendResult['kind'] })[];
  readonly hooks: AppendHooks;
} {
  let number = 0;
  const watched = {
    ...store,
    appends: [] as (AppendCall & { readonly result: AppendResult['kind'] })[],
    hooks: {} as AppendHooks,
    append: async (stream: string, expectedRevision: number, events: readonly StoredEvent[]) => {
      number += 1;
      const call = { stream, expectedRevision, events, number };
      await watched.hooks.before?.(call);
      const result = await store.append(stream, expectedRevision, events);
      watched.appends.push({ ...call, result: result.kind });
      await watched.hooks.after?.(call, result);
      return result;
    },
  };
  return watched;
}

/** The store cannot be reached. */
export const unavailable = (): never => {
  throw new StoreUnavailableError('the store is away', null);
};

/** The types of an append's events, as one text. */
export const typesOf = (events: readonly { readonly type: string }[]): string =>
  events.map((event) => event.type).join(' + ');
