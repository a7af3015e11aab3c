import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type ApiKey, makeApiKey, type NewApiKey } from '../auth/apiKey.ts';
import type { ApiKeyStore } from '../auth/port.ts';
import { createPostgresApiKeys } from '../auth/postgres.ts';
import { readConfig } from '../config.ts';
import { createPool } from '../postgres/pool.ts';
import { systemClock } from '../runtime/clock.ts';
import { type KeyCommand, readKeyCommand } from './keyCommand.ts';
import { reachDatabase } from './reachDatabase.ts';
import { refuse, run, say } from './run.ts';

/** `npm run keys`: makes, lists and revokes API keys, whether or not services run; they notice at the next request. */
run(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      actor: { type: 'string' },
      roles: { type: 'string' },
      scopes: { type: 'string' },
      expires: { type: 'string' },
    },
  });
  const { command, problems } = readKeyCommand(positionals, values, systemClock.now());
  if (!command) return refuse(problems.join('\n'));
  await withApiKeys((keys) => carryOut(command, keys));
});

function carryOut(command: KeyCommand, keys: ApiKeyStore): Promise<void> {
  switch (command.kind) {
    case 'create':
      return create(keys, command.properties);
    case 'list':
      return list(keys);
    case 'revoke':
      return revoke(keys, command.id);
  }
}

/** Works with the keys as the user of the database's URL: the role that the service works under may only read them. */
async function withApiKeys(work: (keys: ApiKeyStore) => Promise<void>): Promise<void> {
  const database = await reachDatabase(readConfig(process.env));
  const pool = createPool({
    url: database.url,
    max: 1,
    applicationName: 'case-orchestrator keys',
    onError: () => {},
  });
  try {
    await work(createPostgresApiKeys(pool));
  } finally {
    await pool.end();
    await database.close();
  }
}

/** The key alone goes to standard output, so that it can be piped to where it is kept. */
async function create(keys: ApiKeyStore, properties: NewApiKey): Promise<void> {
  const { text, key } = makeApiKey(properties, randomBytes);
  await keys.add(key);
  process.stderr.write(`made ${lineOf(key, properties.createdAt)}\nkept nowhere else, and shown only now:\n`);
  say(text);
}

async function list(keys: ApiKeyStore): Promise<void> {
  const all = await keys.list();
  if (all.length === 0) say('no API key was ever made here');
  const now = systemClock.now();
  for (const key of all) say(lineOf(key, now));
}

async function revoke(keys: ApiKeyStore, id: string): Promise<void> {
  const key = await keys.revoke(id, systemClock.now());
  if (!key) return refuse(`there is no API key ${id}`);
  say(lineOf(key, systemClock.now()));
}

function lineOf({ id, actor, roles, scopes, ...key }: ApiKey, now: string): string {
  const named = (names: readonly string[]): string => names.join(',') || '-';
  const state =
    key.revokedAt !== null
      ? `revoked ${key.revokedAt}`
      : `${key.expiresAt <= now ? 'expired' : 'valid until'} ${key.expiresAt}`;
  return `${id}  ${actor}  roles ${named(roles)}  scopes ${named(scopes)}  made ${key.createdAt}  ${state}`;
}
