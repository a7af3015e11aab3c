import type { SealedEvent, SealStatement } from '../domain/seal.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import { SealAlarmError } from '../seals/alarm.ts';
import { keyOf } from '../seals/leaves.ts';
import { leafOf, merkleTree } from '../seals/merkle.ts';
import { endOf, readBehind, readLastSeal, readSeal, type SealedLog } from '../seals/sealedLog.ts';
import { rootOf, type Seal } from '../seals/statement.ts';
import type { Evidence, Proof } from './format.ts';

type Placed = Pick<ReadEvent, 'stream' | 'revision' | 'position'>;

/**
 * Proves that events are sealed.
 *
 * @returns the seals that cover them, each with its proofs; null where an event is not sealed yet
 * @throws SealAlarmError where the log is not what was sealed
 */
export async function proveInclusion(
  log: SealedLog,
  events: readonly Placed[],
): Promise<Evidence['seals'] | null> {
  const last = await readLastSeal(log);
  if (!last) return null;
  const proved: Evidence['seals'][number][] = [];
  let left = events.toSorted((one, other) => (one.position < other.position ? -1 : 1));
  while (left[0]) {
    const found = await sealOver(log, left[0].position, last.revision);
    if (!found) return null;
    const { seal, end } = found;
    const covered = left.filter(({ position }) => position <= end);
    proved.push({ ...seal, proofs: await prove(log, seal.statement, covered) });
    left = left.slice(covered.length);
  }
  return proved;
}

async function prove(log: SealedLog, statement: SealStatement, events: readonly Placed[]): Promise<Proof[]> {
  const sealed = await sealedEvents(log, statement);
  const tree = merkleTree(sealed.map(leafOf));
  const indices = new Map(sealed.map((each, index) => [keyOf(each), index]));
  return events.map((event) => {
    const index = indices.get(keyOf(event));
    if (index === undefined) throw notAsSealed(statement);
    const { stream, revision } = event;
    return { stream, revision, index, path: tree.pathOf(index).map((node) => node.toString('hex')) };
  });
}

/** What a seal covers, read from the log again. */
async function sealedEvents(log: SealedLog, statement: SealStatement): Promise<readonly SealedEvent[]> {
  const before = statement.number === 0 ? null : await readSeal(log, statement.number - 1);
  const after = before ? await endOf(log, before.data.statement) : null;
  const { events } = await readBehind(log, after, null, statement.count);
  if (events.length !== statement.count || rootOf(events) !== statement.root) throw notAsSealed(statement);
  return events;
}

/** The first seal that reaches as far as a position, by halving: seals stand in the order of what they cover. */
async function sealOver(
  log: SealedLog,
  position: bigint,
  last: number,
): Promise<{ readonly seal: Seal; readonly end: bigint } | null> {
  let [low, high] = [0, last];
  let found: { readonly seal: Seal; readonly end: bigint } | null = null;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const seal = await readSeal(log, middle);
    if (!seal) throw new SealAlarmError('LOG_NOT_AS_SEALED', `seal ${middle} is gone`);
    const end = await endOf(log, seal.data.statement);
    if (end < position) low = middle + 1;
    else {
      found = { seal: seal.data, end };
      high = middle - 1;
    }
  }
  return found;
}

const notAsSealed = ({ number }: SealStatement): SealAlarmError =>
  new SealAlarmError(
    'LOG_NOT_AS_SEALED',
    `the log is not what seal ${number} says; npm run verify tells where`,
  );
