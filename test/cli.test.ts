import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { environmentTable, withTable } from '../scripts/generate-docs.ts';
import { configText, playbook, policy } from './support/builders.ts';
import { COMPILE_CACHE } from './support/compileCache.ts';
import { EXECUTING_TEXT, shadowPolicy } from './support/shadows.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Many processes may share few cores. */
const PATIENCE_MS = 40_000;

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a file of this project to its end, in an environment of its own that keeps its data in the test's folder. */
async function runFile(file: string, environment: Record<string, string> = {}): Promise<Ended> {
  const own = { PATH: process.env.PATH, DATA_DIR: join(folder, 'data'), PORT: '0', ...COMPILE_CACHE };
  const env = { ...own, ...environment };
  try {
    const ended = await promisify(execFile)(process.execPath, file.split(' '), { env, timeout: PATIENCE_MS });
    return { code: 0, ...ended };
  } catch (error) {
    return error as Ended;
  }
}

/** A file in the test's folder, with a text. Returns its path. */
async function fileWith(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The line, from 1, on which a text first stands. */
const lineOf = (source: string, text: string): number =>
  source.slice(0, source.indexOf(text)).split('\n').length;

const CHECK = 'src/cli/check-config.ts';
const POLICY = configText('policy.yaml');
const PLAYBOOK = configText('playbook.yaml');
const MISSPELT = POLICY.replace('case.retryCount < limits', 'case.retriesCount < limits');
const WITH_CREDENTIAL = PLAYBOOK.replace(
  /\nbackends:.*$/s,
  `
backends:
  PARTNER_API:
    kind: http
    method: POST
    url: https://partner.example/retry
    headers:
      Authorization: Bearer very-secret-token
    idempotent: true
  CORE_SYSTEM:
    kind: simulated
`,
);

describe.concurrent('npm run check-config', () => {
  it('tells what would be used, and starts nothing', async () => {
    const shadow = await fileWith('shadow.yaml', EXECUTING_TEXT);
    const { code, stdout, stderr } = await runFile(CHECK, {
      PORT: '',
      SHADOW_POLICY: shadow,
      OPENAI_API_KEY: 'sk-very-secret',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'environment  is valid; the API would listen on 127.0.0.1:3000',
      `playbook     config/playbook.yaml is valid: 3 intents, sha256 ${playbook.hash}`,
      `policy       config/policy.yaml is valid: ${policy.guardrails.length} guardrails, sha256 ${policy.hash}`,
      `shadow       ${shadow} is valid: 5 guardrails, sha256 ${shadowPolicy(EXECUTING_TEXT).hash}; never acted on`,
      'seals        with a key that the first start makes',
      expect.stringMatching(/^recommender .*http:\/\/127\.0\.0\.1:1\/v1/),
      'backend      PARTNER_API: simulated, calls nobody',
      'backend      CORE_SYSTEM: simulated, calls nobody',
      '',
    ]);
    expect(stdout).not.toContain('sk-very-secret');
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('names file, line and rule of a misspelt fact', async () => {
    const file = await fileWith('misspelt.yaml', MISSPELT);
    const { code, stdout, stderr } = await runFile(CHECK, { POLICY: file });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [title, line, ...rest] = stderr.trimEnd().split('\n');
    expect(title).toBe('Playbook or policy cannot be used:');
    expect(line).toContain(`  ${file}:${lineOf(MISSPELT, 'expression: case.retriesCount')} `);
    expect(line).toContain('rule retry-count: ');
    expect(line).toContain('retriesCount');
    expect(rest).toEqual([]);
  });

  it('names file and line of a credential in clear, and does not repeat it', async () => {
    const file = await fileWith('credential.yaml', WITH_CREDENTIAL);
    const { code, stderr } = await runFile(CHECK, { PLAYBOOK: file });
    expect(code).toBe(1);
    expect(stderr.split('\n')[1]).toBe(
      `  ${file}:${lineOf(WITH_CREDENTIAL, 'Authorization:')} backends.PARTNER_API.headers.Authorization: ` +
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the message shows how a playbook names a secret
        'Authorization looks like a credential in clear; put it into the environment and write ${env:PARTNER_API_AUTHORIZATION}',
    );
    expect(stderr).not.toContain('very-secret-token');
  });

  it('refuses simulated backends beyond trying out', async () => {
    const { code, stderr } = await runFile(CHECK, { DATABASE_URL: 'postgres://u:very-secret@db.example/x' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^ {2}config\/playbook.yaml:\d+ backends.PARTNER_API.kind: simulated backends do nothing/m,
    );
    expect(stderr).not.toContain('very-secret');
  });
});

describe.concurrent('npm start', () => {
  it('never starts with a broken policy', async () => {
    const file = await fileWith('broken.yaml', MISSPELT);
    const { code, stdout, stderr } = await runFile('src/main.ts', {
      POLICY: file,
      DATA_DIR: join(folder, 'never'),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`  ${file}:${lineOf(MISSPELT, 'expression: case.retriesCount')} `);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it('never starts with a bad environment', async () => {
    const { code, stdout, stderr } = await runFile('src/main.ts', {
      HOST: '0.0.0.0',
      DATA_DIR: join(folder, 'never'),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^The environment cannot be used:\n {2}HOST: callers are not authenticated.*\n$/);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});

describe('npm run docs', () => {
  const page = readFileSync('docs/configuration.md', 'utf8');

  it('has been run: the table is in step with the code', async () => {
    expect(withTable(page)).toBe(page);
    expect(await runFile('scripts/generate-docs.ts --check')).toMatchObject({ code: 0, stderr: '' });
  });

  it('has a row for each variable of the design, with its default', () => {
    const rows = environmentTable()
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | ').slice(0, 2));
    expect(Object.fromEntries(rows)).toMatchObject({
      '| `HOST`': '`127.0.0.1`',
      '| `PORT`': '`3000`',
      '| `DATA_DIR`': '`./data`',
      '| `DATABASE_URL`': '–',
      '| `EVENT_STORE`': '`postgres`',
      '| `RECOMMENDER`': '`openai` with OPENAI_API_KEY, else `local`',
      '| `OPENAI_API_KEY`': '–',
      '| `OPENAI_BASE_URL`': '–',
      '| `OPENAI_MODEL`': expect.any(String),
      '| `MODEL_TIMEOUT_MS`': '`8000`',
      '| `PLAYBOOK`': '`config/playbook.yaml`',
      '| `POLICY`': '`config/policy.yaml`',
      '| `ALLOW_UNAUTHENTICATED`': '`false`',
      '| `ALLOW_SIMULATED`': '`false`',
      '| `LOG_LEVEL`': '`info`',
    });
  });

  it('notices a page that is behind, and one without its markers', () => {
    expect(withTable(page.replace('| `PORT` |', '| `OLD_PORT` |'))).toBe(page);
    expect(() => withTable('# Configuration')).toThrow('docs/configuration.md lacks');
  });
});
