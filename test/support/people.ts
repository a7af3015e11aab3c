import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { makeApiKey, type NewApiKey } from '../../src/auth/apiKey.ts';
import { createPostgresApiKeys } from '../../src/auth/postgres.ts';
import { type Answer, type Client, createClient } from './client.ts';

/** What tells one caller from another. */
export type KeyOwner = Pick<NewApiKey, 'actor' | 'roles' | 'scopes'>;

/** What POST /reviews/{taskId}/… answers with, or a problem. */
export type ReviewAnswer = {
  readonly status: string | number;
  readonly outcome?: string | null;
  readonly code?: string;
  readonly claim?: { readonly reviewer: string; readonly leaseUntil: string } | null;
  readonly changed?: readonly string[];
  readonly position?: string;
  readonly awaitsSecond?: boolean;
};

/** What GET /reviews/{taskId} shows, as far as tests read it field by field. */
type ShownReview = {
  readonly status: string;
  readonly outcome: string | null;
  readonly reviewedHash: string;
  readonly reviewedRevision: number;
  readonly attempts: readonly { readonly attempt: number; readonly result: string | null }[];
  readonly manual: { readonly codes: readonly string[] };
};

type Headers = Readonly<Record<string, string>>;

/** Somebody with a key of their own, who calls one process of the service. */
export type Person = Client & {
  readonly id: string;
  /** GET /reviews/{taskId}; expects that it is shown. */
  readonly look: (taskId: string) => Promise<ShownReview>;
  readonly claim: (taskId: string, body?: object, headers?: Headers) => Promise<Answer<ReviewAnswer>>;
  readonly release: (taskId: string) => Promise<Answer<ReviewAnswer>>;
  /** Decides on what is shown to this person now, unless changes say what was seen. Approves without more. */
  readonly decide: (taskId: string, changes?: object, headers?: Headers) => Promise<Answer<ReviewAnswer>>;
  /** Records what the backend did in the first attempt, unless changes say otherwise. */
  readonly recordOutcome: (taskId: string, changes: object) => Promise<Answer<ReviewAnswer>>;
};

/** The first of the default policy's reason codes for each resolution. */
const REASONS: Readonly<Record<string, string>> = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
};

/**
 * @param url of a process of the service
 * @param key text of an API key of theirs
 */
export function createPerson(url: string, id: string, key: string): Person {
  const client = createClient(url, { authorization: `Bearer ${key}` });
  const post = (taskId: string, verb: string, body: object, headers: Headers = {}) =>
    client.post<ReviewAnswer>(`/reviews/${taskId}/${verb}`, body, headers);
  const look: Person['look'] = async (taskId) => {
    const { status, body } = await client.get<ShownReview>(`/reviews/${taskId}`);
    if (status !== 200) throw new Error(`${taskId} is not shown: ${JSON.stringify(body)}`);
    return body;
  };
  const grounds = async (taskId: string, changes: object): Promise<object> => {
    if ('reviewedHash' in changes) return {};
    const { reviewedHash, reviewedRevision } = await look(taskId);
    return { reviewedHash, reviewedRevision };
  };
  return {
    ...client,
    id,
    look,
    claim: (taskId, body = {}, headers = {}) => post(taskId, 'claim', body, headers),
    release: (taskId) => post(taskId, 'release', {}),
    decide: async (taskId, changes = {}, headers = {}) => {
      const resolution = 'resolution' in changes ? String(changes.resolution) : 'APPROVED';
      const asked = { resolution, reasonCode: REASONS[resolution], ...(await grounds(taskId, changes)) };
      return post(taskId, 'decide', { ...asked, ...changes }, headers);
    },
    recordOutcome: async (taskId, changes) => {
      const asked = { attempt: 1, reasonCode: 'CHECKED_WITH_BACKEND', ...(await grounds(taskId, changes)) };
      return post(taskId, 'outcome', { ...asked, ...changes });
    },
  };
}

const LONG_MS = 30 * 86_400_000;

/**
 * Makes an API key for each owner in the database of a service, as `npm run keys` does.
 *
 * @param now ISO 8601; the keys live for 30 days from then on
 * @returns the keys' texts, in the order of the owners
 */
export async function makeKeys(
  databaseUrl: string,
  owners: readonly KeyOwner[],
  now = new Date().toISOString(),
): Promise<string[]> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  try {
    const keys = createPostgresApiKeys(pool);
    const texts: string[] = [];
    for (const owner of owners) {
      const expiresAt = new Date(Date.parse(now) + LONG_MS).toISOString();
      const { text, key } = makeApiKey({ ...owner, createdAt: now, expiresAt }, randomBytes);
      await keys.add(key);
      texts.push(text);
    }
    return texts;
  } finally {
    await pool.end();
  }
}
