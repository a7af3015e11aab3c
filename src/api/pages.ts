import type { z } from 'zod';
import type { ApiDependencies } from './dependencies.ts';
import { ProblemError } from './problems.ts';

/** Longest wait for a read model to hold the position that a client asked for. */
const AT_LEAST_MS = 5_000;

/**
 * Waits until the read models hold the position of `atLeast`.
 *
 * @throws ProblemError invalid-input for a token of another store, read-model-behind when it takes too long
 */
export async function awaitPosition(deps: ApiDependencies, atLeast: string | undefined): Promise<void> {
  if (atLeast === undefined) return;
  if (await deps.readModels.caughtUp(deps.positions.decode(atLeast), AT_LEAST_MS)) return;
  throw new ProblemError('read-model-behind', `the read models did not get there within ${AT_LEAST_MS} ms`);
}

/** A cursor over keys that order a list. */
export const encodeCursor = (keys: z.core.util.JSONType): string =>
  Buffer.from(JSON.stringify(keys), 'utf8').toString('base64url');

/**
 * What a cursor stands for; null without one.
 *
 * @throws ProblemError invalid-input
 */
export function decodeCursor<T>(cursor: string | undefined, schema: z.ZodType<T>): T | null {
  if (cursor === undefined) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    const message = 'is no cursor of this list; leave it out for the first page';
    throw new ProblemError('invalid-input', `cursor ${message}`, [{ field: 'cursor', message }]);
  }
}

/** A page out of `limit + 1` rows: what fits, and the cursor of the next one. */
export function pageOf<R>(
  rows: readonly R[],
  limit: number,
  keysOf: (row: R) => z.core.util.JSONType,
): { readonly rows: readonly R[]; readonly next: string | null } {
  const fitting = rows.slice(0, limit);
  const last = fitting.at(-1);
  return { rows: fitting, next: rows.length > limit && last ? encodeCursor(keysOf(last)) : null };
}
