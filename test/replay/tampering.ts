import type { ReadEvent } from '../../src/eventstore/port.ts';
import { uuid } from '../support/builders.ts';
import { eventsOf } from './history.ts';
import { changed, placesOf, rechained, storeOf, verify } from './support.ts';

/** What somebody makes of the events of one stream. */
export type Tampering = (events: readonly ReadEvent[]) => readonly ReadEvent[];

/** A log with the stream of one case as somebody has left it. */
export function withCase(log: readonly ReadEvent[], caseId: string, tampering: Tampering): ReadEvent[] {
  const events = eventsOf(log, caseId);
  return [...log.filter((event) => !events.includes(event)), ...tampering(events)];
}

/** What is found in a log, as `KIND stream/revision`. */
export const found = async (events: readonly ReadEvent[]): Promise<string[]> =>
  placesOf(await verify(storeOf(events)));

export const at =
  (index: number, change: (event: ReadEvent) => ReadEvent): Tampering =>
  (events) =>
    events.map((event, n) => (n === index ? change(event) : event));
export const data =
  (changes: object) =>
  (event: ReadEvent): ReadEvent =>
    changed(event, { data: changes });
export const metadata =
  (changes: object) =>
  (event: ReadEvent): ReadEvent =>
    changed(event, { metadata: changes });
/** Changes facts of a recorded verdict, group by group. */
export const facts =
  (group: string, changes: object) =>
  (event: ReadEvent): ReadEvent => {
    const { facts: recorded } = JSON.parse(event.data);
    return changed(event, {
      data: { facts: { ...recorded, [group]: { ...recorded[group], ...changes } } },
    });
  };
export const without =
  (index: number): Tampering =>
  (events) =>
    events.filter((_, n) => n !== index);
export const swapped =
  (index: number): Tampering =>
  (events) => {
    const [one, other] = [events[index], events[index + 1]];
    if (!one || !other) throw new Error('nothing to swap');
    const places = ({ revision, position }: ReadEvent) => ({ revision, position });
    return [
      ...events.filter((_, n) => n !== index && n !== index + 1),
      { ...other, ...places(one) },
      { ...one, ...places(other) },
    ].toSorted((a, b) => a.revision - b.revision);
  };
/** A copy of an event stands a second time, right behind it. */
export const twice =
  (index: number): Tampering =>
  (events) =>
    events.flatMap((event, n) =>
      n === index ? [event, { ...event, id: uuid(9_999), position: 100_000n }] : [event],
    );
export const forged =
  (tampering: Tampering): Tampering =>
  (events) =>
    rechained(tampering(events));
