import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { readSourceFiles } from '../src/sourceFiles.ts';
import { explain } from '../src/startErrors.ts';
import { configText, playbook, policy } from './support/builders.ts';
import { EXECUTING_TEXT, shadowPolicy } from './support/shadows.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a start tells about playbook and policy, line by line; null when they can be used. */
async function toldAbout(environment: Record<string, string>): Promise<string[] | null> {
  try {
    await readSourceFiles(readConfig(environment));
    return null;
  } catch (error) {
    return explain(error).split('\n');
  }
}

/** The line, from 1, that says how a route's backend works. */
function kindLine(route: string): number {
  const lines = configText('playbook.yaml').split('\n');
  const start = lines.indexOf(`  ${route}:`);
  return lines.findIndex((line, index) => index > start && line.trim() === 'kind: simulated') + 1;
}

it('gives playbook and policy, held against each other', async () => {
  const read = await readSourceFiles(readConfig({}));
  expect(read.playbook.hash).toBe(playbook.hash);
  expect(read.policy.hash).toBe(policy.hash);
  expect(read.shadow).toBeNull();
});

describe('a shadow policy', () => {
  const shadowFile = async (text: string): Promise<string> => {
    const file = join(folder, 'shadow.yaml');
    await writeFile(file, text);
    return file;
  };

  it('is given beside the policy in force', async () => {
    const file = await shadowFile(EXECUTING_TEXT);
    const read = await readSourceFiles(readConfig({ SHADOW_POLICY: file }));
    expect(read.policy.hash).toBe(policy.hash);
    expect(read.shadow?.hash).toBe(shadowPolicy(EXECUTING_TEXT).hash);
  });

  it('that is not there is named, with the variable that names it', async () => {
    const missing = join(folder, 'missing.yaml');
    expect(await toldAbout({ SHADOW_POLICY: missing })).toEqual([
      'Playbook or policy cannot be used:',
      `  ${missing}:1 cannot be read: ENOENT; SHADOW_POLICY names the file`,
    ]);
  });

  it.each([
    ['that is broken', EXECUTING_TEXT.replace("'true'", 'case.stat == "OPEN"'), 10, 'rule only: '],
    ['that does not fit the playbook', EXECUTING_TEXT.replace('PARTNER_API,', 'NOWHERE,'), 8, 'NOWHERE'],
    [
      'that may take long',
      EXECUTING_TEXT.replace('true', '[1].all(a, [2].exists(b, [3].map(c, c).size() > 0))'),
      10,
      'rule only: may take long',
    ],
  ])('%s never starts the service', async (_what, text, line, why) => {
    const file = await shadowFile(text);
    const [title, told, ...rest] = (await toldAbout({ SHADOW_POLICY: file })) ?? [];
    expect([title, rest]).toEqual(['Playbook or policy cannot be used:', []]);
    expect(told).toContain(`${file}:${line} `);
    expect(told).toContain(why);
  });
});

describe('simulated backends', () => {
  it.each([
    ['DATABASE_URL', { DATABASE_URL: 'postgres://u:very-secret@db.example/x' }],
    ['another HOST', { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }],
  ])('are refused with %s, unless they are allowed', async (_what, environment) => {
    expect(await toldAbout(environment)).toEqual([
      'Playbook or policy cannot be used:',
      ...['PARTNER_API', 'CORE_SYSTEM'].map(
        (route) =>
          `  config/playbook.yaml:${kindLine(route)} backends.${route}.kind: simulated backends do nothing; ` +
          'with DATABASE_URL or another HOST they need ALLOW_SIMULATED=true',
      ),
    ]);
    expect(await toldAbout({ ...environment, ALLOW_SIMULATED: 'true' })).toBeNull();
  });
});

describe('a file', () => {
  it('that is not there is named, with the variable that names it', async () => {
    const missing = join(folder, 'missing.yaml');
    expect(await toldAbout({ PLAYBOOK: missing })).toEqual([
      'Playbook or policy cannot be used:',
      `  ${missing}:1 cannot be read: ENOENT; PLAYBOOK names the file`,
    ]);
    expect(await toldAbout({ POLICY: folder })).toEqual([
      'Playbook or policy cannot be used:',
      `  ${folder}:1 cannot be read: EISDIR; POLICY names the file`,
    ]);
  });

  it('that is not UTF-8 is named', async () => {
    const file = join(folder, 'latin1.yaml');
    await writeFile(file, Buffer.from('name: Gesch\u00e4ft\n', 'latin1'));
    expect(await toldAbout({ POLICY: file })).toEqual([
      'Playbook or policy cannot be used:',
      `  ${file}:1 cannot be read: it is not UTF-8`,
    ]);
  });

  it('with several faults gets a line for each', async () => {
    const file = join(folder, 'policy.yaml');
    const source = configText('policy.yaml');
    await writeFile(
      file,
      source
        .replace('!signals.negated', '!signals.negate')
        .replace('roles: [OPS, SUPERVISOR]', 'roles: [BOSS]'),
    );
    const told = await toldAbout({ POLICY: file });
    expect(told).toHaveLength(3);
    const at = (text: string): number => source.slice(0, source.indexOf(text)).split('\n').length;
    expect(told?.[1]).toContain(
      `${file}:${at('roles: [OPS, SUPERVISOR]\n    routes')} permissions.RETRY_EXTERNAL_CALL.roles.0: BOSS`,
    );
    expect(told?.[2]).toContain(
      `${file}:${at('expression: "!signals.negated"')} guardrails.7.expression: rule not-negated: `,
    );
  });
});
