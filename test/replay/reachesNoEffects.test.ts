import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const CONFIG = '.dependency-cruiser.cjs';
const RULE = 'replay-reaches-no-effects';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dependencies-'));
  for (const part of ['src', 'package.json', 'tsconfig.json', CONFIG])
    cpSync(part, join(folder, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Where the copy of the source breaks the rule: each import's begin and end. */
function broken(): string[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', 'src', '--config', CONFIG, '-T', 'json'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (!stdout.startsWith('{')) throw new Error(stderr);
  type Violation = { readonly rule: { readonly name: string }; readonly from: string; readonly to: string };
  const { summary } = JSON.parse(stdout) as {
    readonly summary: { readonly violations: readonly Violation[] };
  };
  return summary.violations
    .filter(({ rule }) => rule.name === RULE)
    .map(({ from, to }) => `${from} -> ${to}`);
}

const plant = (file: string, line: string): void => appendFileSync(join(folder, file), `\n${line}\n`);

it('verification reaches neither a model nor a backend', () => {
  expect(broken()).toEqual([]);
});

/** A backend, a recommender and the loop: each imported by one file alone, so that no import covers another. */
const PLANTED = [
  ['src/replay/walk.ts', '../backends/backends.ts', 'src/backends/backends.ts'],
  ['src/replay/verdicts.ts', '../recommender/recommender.ts', 'src/recommender/recommender.ts'],
  ['src/cli/verify.ts', '../commands/driveTask.ts', 'src/commands/driveTask.ts'],
] as const;

it('an import of a backend, of a recommender or of the loop breaks the rule', () => {
  for (const [file, imported] of PLANTED) plant(file, `import '${imported}';`);
  expect(broken()).toEqual(
    expect.arrayContaining(PLANTED.map(([file, _, reached]) => `${file} -> ${reached}`)),
  );
});

it('so does one that another module hides, two imports away', () => {
  writeFileSync(
    join(folder, 'src/domain/hidden.ts'),
    "export { createBackends } from '../backends/backends.ts';\n",
  );
  plant('src/domain/hash.ts', "import './hidden.ts';");
  expect(broken()).toEqual(
    expect.arrayContaining(
      ['src/replay/verifyLog.ts', 'src/cli/verify.ts'].map((file) => `${file} -> src/backends/backends.ts`),
    ),
  );
});
