import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Fills holes in package-lock.json: a registry mirror that carries only some platforms' builds of a tool leaves the others
 * out of the lock file, and `npm ci` then refuses it on every machine. What is missing is an optional package whose exact
 * version its parent names; on a machine of another platform npm never fetches it. Run it after `npm install`.
 */
type Locked = {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly optional?: boolean;
};
type Lock = { packages: Record<string, Locked & Record<string, unknown>> };

const FILE = 'package-lock.json';
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/android/, 'android'],
  [/darwin/, 'darwin'],
  [/freebsd/, 'freebsd'],
  [/openharmony/, 'openharmony'],
  [/win32|windows/, 'win32'],
  [/linux/, 'linux'],
];
const PROCESSORS: readonly (readonly [RegExp, string])[] = [
  [/arm64/, 'arm64'],
  [/x64/, 'x64'],
  [/ia32/, 'ia32'],
  [/ppc64/, 'ppc64'],
  [/riscv64/, 'riscv64'],
  [/s390x/, 's390x'],
  [/loong64/, 'loong64'],
  [/arm-|arm$|armv7/, 'arm'],
  [/wasm32/, 'wasm32'],
];
const first = (table: readonly (readonly [RegExp, string])[], name: string): string | undefined =>
  table.find(([pattern]) => pattern.test(name))?.[1];

const lock = JSON.parse(readFileSync(FILE, 'utf8')) as Lock;
let added = 0;
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (Object.keys(lock.packages).some((known) => known === path || known.endsWith(`/${path}`))) continue;
    const [os, cpu] = [first(SYSTEMS, name), first(PROCESSORS, name)];
    if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
      process.stderr.write(`left out: ${name}@${version} is no platform package of an exact version\n`);
      continue;
    }
    lock.packages[path] = {
      version,
      cpu: [cpu],
      ...(parent.dev ? { dev: true } : {}),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : 1)),
);
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} entries added\n`);
