import type { FastifyInstance } from 'fastify';
import { knownName } from './fields.ts';
import { fieldError } from './problems.ts';

/** Positions as clients see them: opaque, and bound to the log they belong to. */
export type PositionTokens = {
  readonly encode: (position: bigint) => string;
  /**
   * The position in a token. Throws ProblemError invalid-input for a token that is none, or of another store.
   *
   * @param field where the token came from
   */
  readonly decode: (token: string, field?: string) => bigint;
};

/** What the stores count with. */
const MOST = 2n ** 63n - 1n;

/** @param owner of positions: `<kind of store>/<id of the log>`, without a colon */
export function createPositionTokens(owner: string): PositionTokens {
  return {
    encode: (position) => Buffer.from(`${owner}:${position}`, 'utf8').toString('base64url'),
    decode: (token, field = 'atLeast') => {
      const [giver, position = ''] = Buffer.from(token, 'base64url').toString('utf8').split(':');
      if (!/^\d{1,19}$/.test(position) || BigInt(position) > MOST) {
        throw fieldError('invalid-input', field, 'is no position that this service gave out');
      }
      if (giver !== owner) throw fieldError('invalid-input', field, 'is a position of another store');
      return BigInt(position);
    },
  };
}

/**
 * Refuses an `atLeast` that is no position of this store on every route that takes one, also where nothing has to be
 * waited for: who relies on it must hear that it means nothing here.
 */
export function refuseForeignPositions(app: FastifyInstance, positions: PositionTokens): void {
  app.addHook('preHandler', async ({ query, routeOptions }) => {
    if (knownName(routeOptions.schema?.querystring, ['atLeast']) === '') return;
    const { atLeast } = query as { readonly atLeast?: string };
    if (atLeast !== undefined) positions.decode(atLeast);
  });
}
