import { fieldError, type ProblemError } from './problems.ts';

/** Positions as clients see them: opaque, and bound to the log they belong to. */
export type PositionTokens = {
  readonly encode: (position: bigint) => string;
  /** The position in a token. Throws ProblemError invalid-input for a token that is none, or of another store. */
  readonly decode: (token: string) => bigint;
};

/** @param logId of the log that positions belong to */
export function createPositionTokens(logId: string): PositionTokens {
  return {
    encode: (position) => Buffer.from(`${logId}:${position}`, 'utf8').toString('base64url'),
    decode: (token) => {
      const [owner, position] = Buffer.from(token, 'base64url').toString('utf8').split(':');
      if (owner === undefined || position === undefined || !/^\d{1,19}$/.test(position)) {
        throw refused('is no position that this service gave out');
      }
      if (owner !== logId) throw refused('is a position of another store');
      return BigInt(position);
    },
  };
}

const refused = (message: string): ProblemError => fieldError('invalid-input', 'atLeast', message);
