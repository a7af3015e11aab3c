import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { LogSealed } from '../domain/seal.ts';
import type { Codec } from '../eventstore/codec.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { AnchorEntry, AnchoredSeal } from '../seals/anchor.ts';
import { isSameSeal, type Seal } from '../seals/statement.ts';
import type { Findings } from './findings.ts';
import type { LogReader } from './readEvents.ts';

/** A seal as the log has it; no seal where what stands in its place is none. */
export type RecordedSeal = { readonly position: bigint; readonly seal: Seal | null };

/** A seal by its number, as the anchor and the log have it. */
export type SealPair = {
  readonly number: number;
  readonly anchored: AnchoredSeal | null;
  readonly recorded: RecordedSeal | null;
  /** Whether the anchor has later ones. */
  readonly isPassedByAnchor: boolean;
};

export type SealSourceDependencies = {
  readonly store: Pick<LogReader, 'readStream'>;
  readonly codec: Codec;
  readonly findings: Findings;
  /** Position up to which the log is looked at. */
  readonly end: bigint;
  readonly anchor: AnchorEntries;
};

/** What an anchor holds; null without one, MISSING where it should be and is not. */
export type AnchorEntries = AsyncIterable<AnchorEntry> | 'MISSING' | null;

const PAGE = 200;

/** Seals by number, from the first on, until neither anchor nor log has one. What is behind the end of the walk is left out. */
export async function* sealPairs(deps: SealSourceDependencies): AsyncGenerator<SealPair> {
  const recordedSeals = createRecordedSeals(deps);
  const anchored = createAnchoredSeals(deps);
  for (let number = 0; ; ) {
    // Before the log is asked: the anchor is written after the log.
    const inAnchor = await anchored(number);
    const inLog = await recordedSeals(number);
    if (inLog.isLater && inLog.number === number) return;
    const next = Math.min(inAnchor?.statement.number ?? END, inLog.isLater ? END : inLog.number);
    if (next === END) return;
    yield {
      number,
      recorded: inLog.number === number ? inLog : null,
      anchored: inAnchor?.statement.number === number ? inAnchor : null,
      isPassedByAnchor: inAnchor !== null && inAnchor.statement.number > number,
    };
    // Whoever leaves out a million numbers must not make us count them.
    number = Math.max(next, number + 1);
  }
}

const END = Number.POSITIVE_INFINITY;
type InLog = RecordedSeal & { readonly number: number; readonly isLater: boolean };
const NONE: InLog = { number: END, isLater: false, position: -1n, seal: null };

/** Reads seals of the log by number, asked for one after the other: that of a number, or the next that is there. */
function createRecordedSeals({
  store,
  codec,
  end,
}: SealSourceDependencies): (number: number) => Promise<InLog> {
  let page: readonly ReadEvent[] = [];
  return async (number) => {
    const isRead = page.some(({ revision }) => revision >= number);
    if (!isRead) page = await store.readStream(SEAL_STREAM, number, PAGE);
    const stored = page.find(({ revision }) => revision >= number);
    if (!stored) return NONE;
    const { revision, position } = stored;
    return { number: revision, position, isLater: position > end, seal: decode(codec, stored) };
  };
}

function decode(codec: Codec, stored: ReadEvent): Seal | null {
  try {
    const event = codec.decode(stored);
    const { statement, signature } = event.data as LogSealed['data'];
    return event.type === 'LogSealed' && statement.number === stored.revision
      ? { statement, signature }
      : null;
  } catch {
    return null;
  }
}

/** Reads the anchor: the seal of a number, or the one behind it where that one is not there; null at its end. */
function createAnchoredSeals({
  anchor,
  findings,
  store,
  codec,
}: SealSourceDependencies): (number: number) => Promise<AnchoredSeal | null> {
  const entries = anchor === 'MISSING' ? undefined : anchor?.[Symbol.asyncIterator]();
  let waiting: AnchoredSeal | null = null;
  const next = async (number: number): Promise<AnchoredSeal | null> => {
    for (;;) {
      const { value: entry } = (await entries?.next()) ?? {};
      if (!entry) return null;
      if (entry.kind === 'unreadable') {
        const detail = `line ${entry.line} of the anchor is no seal`;
        findings.mismatch('SEAL', { stream: SEAL_STREAM, revision: null }, detail);
      } else if (entry.seal.statement.number >= number) return entry.seal;
      else await verifyRepeat({ store, codec, findings }, entry.seal);
    }
  };
  return async (number) => {
    if (waiting === null || waiting.statement.number < number) waiting = await next(number);
    return waiting;
  };
}

/** Two processes may have written the same seal; but the same it must be. */
async function verifyRepeat(
  { store, codec, findings }: Pick<SealSourceDependencies, 'store' | 'codec' | 'findings'>,
  { statement, signature }: Seal,
): Promise<void> {
  const [stored] = await store.readStream(SEAL_STREAM, statement.number, 1);
  const recorded = stored && decode(codec, stored);
  if (recorded && isSameSeal(recorded, { statement, signature })) return;
  const spot = { stream: SEAL_STREAM, revision: statement.number };
  findings.mismatch('SEAL', spot, 'the anchor has it twice, and once not as it is in the log');
}
