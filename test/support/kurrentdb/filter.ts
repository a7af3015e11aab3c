/** Part of the protocol test server: a test double in memory, not a database. Filters of subscriptions to `$all`. */
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { LogRecord } from './log.ts';

export type Filter = {
  readonly matches: (record: LogRecord) => boolean;
  /** A checkpoint is sent whenever this many events have been considered. */
  readonly checkpointInterval: number;
};

const DEFAULT_WINDOW = 32;

/** The filter of a subscription; null where it has none. */
export function filterOf(options: streams.ReadReq.Options): Filter | null {
  const filter = options.getFilter();
  if (filter === undefined) return null;
  const byStream = filter.getStreamIdentifier();
  const matches = matcher(byStream ?? filter.getEventType());
  const window = filter.hasMax() ? filter.getMax() : DEFAULT_WINDOW;
  return {
    matches: (record) => matches(byStream === undefined ? record.type : record.stream),
    checkpointInterval: window * filter.getCheckpointintervalmultiplier(),
  };
}

type Expression = streams.ReadReq.Options.FilterOptions.Expression;

function matcher(expression: Expression | undefined): (text: string) => boolean {
  const prefixes = expression?.getPrefixList() ?? [];
  if (prefixes.length > 0) return (text) => prefixes.some((prefix) => text.startsWith(prefix));
  const regex = new RegExp(expression?.getRegex() ?? '');
  return (text) => regex.test(text);
}
