import type { Recorded } from './events.ts';

/** A moment in the life of a stream: a revision of it, or a time (ISO 8601). */
export type Moment =
  | { readonly kind: 'revision'; readonly revision: number }
  | { readonly kind: 'time'; readonly time: string };

/**
 * What a stream held at a moment: the longest prefix that reaches no further. Times never go back in a stream, so that nothing behind
 * the first event that is too late was there.
 *
 * @param events of one stream, whole and in order
 */
export function asOf<E extends Pick<Recorded, 'revision' | 'metadata'>>(
  events: readonly E[],
  moment: Moment,
): readonly E[] {
  const limit = moment.kind === 'time' ? Date.parse(moment.time) : moment.revision;
  const end = events.findIndex(
    ({ revision, metadata }) => (moment.kind === 'time' ? Date.parse(metadata.recordedAt) : revision) > limit,
  );
  return end === -1 ? events : events.slice(0, end);
}
