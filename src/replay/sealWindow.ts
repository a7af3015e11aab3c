import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { SealedEvent } from '../domain/seal.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import { keyOf } from '../seals/leaves.ts';
import type { Findings } from './findings.ts';
import type { LogReader } from './readEvents.ts';
import { risingSelection } from './sealOrder.ts';
import { type FoundEvent, findEvents } from './sealPlaces.ts';
import type { ExpectedSeal } from './sealStatements.ts';

/** The part of the log that belongs to a seal that it is not as sealed. */
export type Window = {
  /** Takes an event of the log; false where the window has ended before it. */
  readonly take: (event: Pick<ReadEvent, 'stream' | 'revision' | 'position'>) => boolean;
  /** Whether its end is not known: what follows begins no one knows where. */
  readonly isLost: boolean;
  /** Tells what only its end says. */
  readonly close: () => void;
};

export type WindowDependencies = {
  readonly store: Pick<LogReader, 'readStream'>;
  readonly findings: Findings;
  readonly end: bigint;
  readonly wanderers: Wanderers;
};

/** What was met in a place where nothing of the kind was sealed, until it is known whether it belongs elsewhere. Bounded. */
export type Wanderers = {
  /** An event that no seal so far covers there. */
  readonly met: (event: Pick<ReadEvent, 'stream' | 'revision'>) => void;
  /** A sealed event that stands elsewhere: it is met there, or was. */
  readonly moved: (event: SealedEvent) => void;
  /** Whether an event is one that was moved there. */
  readonly isMoved: (event: Pick<ReadEvent, 'stream' | 'revision'>) => boolean;
  /** What is left was put in. */
  readonly finish: () => void;
};

const MOST_WANDERERS = 10_000;
const PUT_IN = 'was put in: it stands among what was sealed, and was not there';

export function createWanderers(findings: Findings): Wanderers {
  const met = new Map<string, Pick<ReadEvent, 'stream' | 'revision'>>();
  const moved = new Set<string>();
  return {
    met: (event) => {
      if (met.size < MOST_WANDERERS) met.set(keyOf(event), event);
      else findings.mismatch('SEAL', event, PUT_IN);
    },
    moved: (event) => {
      if (!met.delete(keyOf(event)) && moved.size < MOST_WANDERERS) moved.add(keyOf(event));
    },
    isMoved: (event) => moved.has(keyOf(event)),
    finish: () => {
      for (const event of met.values()) findings.mismatch('SEAL', event, PUT_IN);
    },
  };
}

/**
 * Finds out what of a seal's events is changed, missing or moved, and where in the log the seal ends nonetheless.
 *
 * @param after position where the part of the log before it ends
 * @param next the seal behind it: what belongs to it ends this one
 */
export function openWindow(
  deps: WindowDependencies,
  seal: ExpectedSeal,
  next: ExpectedSeal | null,
  after: bigint,
): Promise<Window> {
  const { leaves } = seal;
  return leaves ? windowOf(deps, { ...seal, leaves }, next, after) : windowUpToLast(deps, seal, after);
}

async function windowOf(
  deps: WindowDependencies,
  seal: ExpectedSeal & { readonly leaves: readonly SealedEvent[] },
  next: ExpectedSeal | null,
  after: bigint,
): Promise<Window> {
  const { findings, wanderers } = deps;
  const { leaves } = seal;
  const behind = next?.leaves ?? [];
  const found = await findEvents(deps.store, [...leaves, ...behind], deps.end);
  const places = [
    ...placesOf(leaves, found, after, seal.position),
    ...placesOf(behind, found, after, next?.position ?? null),
  ];
  const inOrder = risingSelection(places);
  let last: bigint | null = null;
  let first: bigint | null = null;
  for (const [index, leaf] of leaves.entries()) {
    const there = found.get(keyOf(leaf));
    const place = inOrder.has(index) ? (places[index] ?? null) : null;
    const problem = problemOf(leaf, there, place !== null);
    if (problem !== null) findings.mismatch('SEAL', leaf, `${problem} (seal ${seal.statement.number})`);
    if (there && place === null) wanderers.moved(leaf);
    first ??= place;
    last = place ?? last;
  }
  const own = new Set(leaves.filter((_, index) => inOrder.has(index)).map(keyOf));
  return {
    isLost: false,
    close: () => {},
    take: (event) => {
      if (last === null || event.position > last) return false;
      const isUnknown = seal.isBehindGap && first !== null && event.position < first;
      if (!isUnknown && !own.delete(keyOf(event)) && !wanderers.isMoved(event)) wanderers.met(event);
      return true;
    },
  };
}

/** Positions of sealed events; null where they cannot be in order, because of what they stand before or behind. */
function placesOf(
  leaves: readonly SealedEvent[],
  found: ReadonlyMap<string, FoundEvent>,
  after: bigint,
  sealAt: bigint | null,
): (bigint | null)[] {
  const positions = leaves.map((leaf) => found.get(keyOf(leaf))?.position ?? null);
  const behind = positions.filter((position) => sealAt !== null && (position ?? -1n) > sealAt);
  // A seal stands behind what it covers; where most of that is behind it, it is the seal that was moved.
  const before = behind.length * 2 > leaves.length ? null : sealAt;
  return positions.map((position) =>
    position !== null && position > after && (before === null || position < before) ? position : null,
  );
}

function problemOf(leaf: SealedEvent, there: FoundEvent | undefined, isInOrder: boolean): string | null {
  if (!there) return 'is missing: it was sealed, and is not in the log any more';
  if (there.hash !== leaf.hash) return 'was changed: it is not what was sealed';
  return isInOrder ? null : 'was moved: it does not stand in the order of the log that was sealed';
}

/** Of a seal that is not in the anchor its last event is known, and the root. */
async function windowUpToLast(
  { store, findings, end }: WindowDependencies,
  { statement, position, isBehindGap }: ExpectedSeal,
  after: bigint,
): Promise<Window> {
  const { number, last, count } = statement;
  const there = (await findEvents(store, [last], end)).get(keyOf(last));
  const isLast = there?.hash === last.hash && there.position > after;
  const upTo = isLast && (position === null || there.position < position) ? there.position : null;
  let events = 0;
  return {
    isLost: upTo === null,
    take: (event) => {
      if (upTo === null || event.position > upTo) return false;
      events += 1;
      return true;
    },
    close: () => {
      const what = isBehindGap
        ? 'where it begins cannot be said, because of the seal before it'
        : upTo === null
          ? `its last event, ${last.stream} at revision ${last.revision}, is gone, changed or moved`
          : `${events} events are there, ${count} were sealed`;
      findings.mismatch(
        'SEAL',
        { stream: SEAL_STREAM, revision: number },
        `what it covers is not what was sealed: ${what}; it is not in the anchor, so that nothing more can be said from here on to the next seal`,
      );
    },
  };
}
