import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** The moment at which every run begins. */
const EPOCH = Date.parse('2026-01-01T00:00:00.000Z');

/** A rule that was broken, in which way. */
export type Violation = { readonly rule: string; readonly what: string; readonly at: number };

/** What all parts of one run share. */
export type World = {
  readonly timeline: Timeline;
  readonly random: Random;
  /** Whether faults may still be injected. */
  readonly isStormy: () => boolean;
  /** Counts what was injected or reached. */
  readonly count: (what: string) => void;
  /** Adds a line to the story of the run, which is only told when somebody asked for it. */
  readonly tell: (line: () => string) => void;
  readonly violate: (rule: string, what: string) => void;
  readonly newId: () => string;
};

/** A UUIDv7 out of the seed; its time is the true one. */
export function createIds(random: Random, timeline: Timeline): () => string {
  let last = 0;
  return () => {
    last += 1;
    const time = (EPOCH + timeline.now()).toString(16).slice(0, 11).padStart(12, '0');
    const count = (last & 0xfff).toString(16).padStart(3, '0');
    const tail = `${last.toString(16).padStart(8, '0')}${random.bytes(4).toString('hex')}`;
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-8${tail.slice(0, 3)}-${tail.slice(3, 15)}`;
  };
}

let newest = { at: Number.NaN, text: '' };

/** A moment of the run as ISO 8601. Asked again and again about the same one, so the newest answer is kept. */
export function isoAt(milliseconds: number): string {
  if (newest.at !== milliseconds)
    newest = { at: milliseconds, text: new Date(EPOCH + milliseconds).toISOString() };
  return newest.text;
}
