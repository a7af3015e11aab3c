import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../src/seals/anchor.ts';
import { happened } from '../replay/history.ts';
import { evidenceFile, KEY, sealAll, signingKey } from './support.ts';

const run = promisify(execFile);
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-evidence-'));
  for (const name of ['cli/verify-evidence.ts', 'evidence/verifyEvidence.ts'])
    await cp(new URL(`../../src/${name}`, import.meta.url), join(folder, name));
  const process = await happened();
  const seals = await sealAll(process.outside.store, 16);
  file = await evidenceFile(process, 'executed');
  await write({
    'case.html': file,
    'key.pem': KEY.publicKey,
    'other.pem': signingKey('2').publicKey,
    'no.pem': 'nothing',
    'seals.jsonl': seals.map(lineOf).join(''),
    'hostile.html': file.replace('"caseId":"executed"', '"caseId":"\\u001b[2J\\r\\nproved\\u202e"'),
    'changed.html': file.replace('Task received', 'Task refused'),
  });
});
afterAll(() => rm(folder, { recursive: true }));

const write = (files: Readonly<Record<string, string>>): Promise<unknown> =>
  Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));

/** Runs the two files alone, in a folder without packages. */
async function verify(...args: readonly string[]): Promise<{ readonly code: number; readonly told: string }> {
  const ended = run(process.execPath, [join(folder, 'cli', 'verify-evidence.ts'), ...args], {
    cwd: folder,
    env: {},
  });
  return ended.then(
    ({ stdout }) => ({ code: 0, told: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      told: error.stdout + error.stderr,
    }),
  );
}

describe('npm run verify-evidence, as two files in an empty folder', () => {
  it('proves a file', async () => {
    const { code, told } = await verify(
      '--file',
      'case.html',
      '--public-key',
      'key.pem',
      '--anchor',
      'seals.jsonl',
    );
    expect(told).toMatch(
      /^proved\n {2}case executed of log .*\n {2}6 events, 2 policies and playbooks\n {2}seals 0, all of them in the anchor file, which has no other event of the case up to seal \d\n$/,
    );
    expect(code).toBe(0);
  });

  it.each([
    ['a changed file', 'changed.html', 'key.pem', 1, 'REFUSED\n  the file was changed after it was signed\n'],
    [
      'a file of another key',
      'case.html',
      'other.pem',
      1,
      `REFUSED\n  the file is signed with another key: ${KEY.keyId}\n`,
    ],
    ['something else', 'key.pem', 'key.pem', 1, 'REFUSED\n  the last line is not a signature\n'],
    ['a file that is not there', 'none.html', 'key.pem', 2, 'ENOENT'],
    ['a key that is none', 'case.html', 'no.pem', 2, 'there is no public key'],
  ])('refuses %s', async (_, name, key, code, told) => {
    const answer = await verify('--file', name, '--public-key', key);
    expect(answer.told).toContain(told);
    expect(answer.code).toBe(code);
  });

  it('shows nothing of a file that would steer a terminal', async () => {
    const { code, told } = await verify('--file', 'hostile.html', '--public-key', 'key.pem');
    expect(code).toBe(1);
    expect(told).toContain('case-?[2J??proved?');
    expect(told.replaceAll('\n', '')).toMatch(/^\P{C}+$/u);
  });

  it('tells what it needs', async () => {
    const { code, told } = await verify();
    expect(told).toContain('--public-key');
    expect(code).toBe(2);
  });
});

it('imports nothing but cryptography, files and the command line of Node', async () => {
  for (const [name, allowed] of [
    ['evidence/verifyEvidence.ts', ['node:crypto']],
    ['cli/verify-evidence.ts', ['node:fs', 'node:util', '../evidence/verifyEvidence.ts']],
  ] as const) {
    const text = await readFile(join(folder, name), 'utf8');
    const imported = [...text.matchAll(/^import (?!type ).* from '(.*)';$/gm)].map(([, from]) => from);
    expect(imported).toStrictEqual([...allowed]);
  }
});
