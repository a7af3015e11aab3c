import { z } from 'zod';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError, ProblemError } from './problems.ts';

/** Longest wait for a read model to hold the position that a client asked for. */
const AT_LEAST_MS = 5_000;

/**
 * Waits until the read models hold the position of `atLeast`.
 *
 * @throws ProblemError invalid-input for a token of another store, read-model-behind when it takes too long
 */
export async function awaitPosition(
  deps: Pick<ApiDependencies, 'readModels' | 'positions'>,
  atLeast: string | undefined,
): Promise<void> {
  if (atLeast === undefined) return;
  if (await deps.readModels.caughtUp(deps.positions.decode(atLeast), AT_LEAST_MS)) return;
  throw new ProblemError('read-model-behind', `the read models did not get there within ${AT_LEAST_MS} ms`);
}

/** What a client says of the page that it wants; see `pageQuery`. */
type PageQuery = {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly atLeast?: string | undefined;
};

/** One page, and the cursor of the next one; null on the last. */
export type Page<R> = { readonly rows: readonly R[]; readonly next: string | null };

/** A list in an order of its own: what a cursor holds, and where a row stands. */
export type Order<R, Keys> = { readonly keys: z.ZodType<Keys>; readonly keysOf: (row: R) => Keys };

/** What a cursor holds of a list that is ordered by position alone. */
export const positionKey = z.int().min(0);

/** A column that every listed row has, though a row begins without it. */
export function filled<T>(value: T | null): T {
  if (value === null) throw new Error('a listed row lacks a column that the list rests on');
  return value;
}

/**
 * Reads one page of a list.
 *
 * @param read reads so many rows, behind the keys (null: from the start)
 * @throws ProblemError invalid-input for a cursor or token that is none, read-model-behind
 */
export async function readPage<R, Keys>(
  deps: ApiDependencies,
  query: PageQuery,
  { keys, keysOf }: Order<R, Keys>,
  read: (page: { readonly limit: number; readonly after: Keys | null }) => Promise<readonly R[]>,
): Promise<Page<R>> {
  const after = decodeCursor(query.cursor, keys);
  await awaitPosition(deps, query.atLeast);
  // One more than fits tells whether there is a next page.
  const found = await read({ limit: query.limit + 1, after });
  const rows = found.slice(0, query.limit);
  const last = rows.at(-1);
  return { rows, next: found.length > query.limit && last ? encodeCursor(keysOf(last)) : null };
}

const encodeCursor = (keys: unknown): string =>
  Buffer.from(JSON.stringify(keys), 'utf8').toString('base64url');

function decodeCursor<Keys>(cursor: string | undefined, keys: z.ZodType<Keys>): Keys | null {
  if (cursor === undefined) return null;
  try {
    return keys.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw fieldError('invalid-input', 'cursor', 'is no cursor of this list; leave it out for the first page');
  }
}
