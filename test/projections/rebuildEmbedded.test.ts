import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASE } from '../../src/database.ts';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/postgres/embedded/startEmbeddedPostgres.ts';
import { urlOfRunningServer } from '../../src/postgres/embedded/url.ts';
import { runToEnd } from '../support/childService.ts';
import { query } from '../support/embedded.ts';

let dataDir: string;
let server: EmbeddedPostgres;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'case-orchestrator-'));
  server = await startEmbeddedPostgres({ dataDir, fsync: false, databases: [DATABASE] });
});
afterAll(async () => {
  await server?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('node src/cli/rebuild.ts without DATABASE_URL', () => {
  it('uses the server that a running service has in the data folder', async () => {
    expect(await urlOfRunningServer(dataDir, DATABASE)).toBe(server.url);
    const { code, output } = await runToEnd(['src/cli/rebuild.ts'], { DATA_DIR: dataDir });
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^read models rebuilt/),
    });
    expect(await query(server.url, 'select position is not null as made from readmodel.checkpoint')).toEqual([
      { made: true },
    ]);
  });

  it('finds no server where none is', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'case-orchestrator-'));
    expect(await urlOfRunningServer(empty, DATABASE)).toBeNull();
    await rm(empty, { recursive: true });
  });
});
