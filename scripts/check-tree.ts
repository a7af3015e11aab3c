import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Guards over the tracked files that no linter has: no source file over 300 lines without a reason in it, no registry
 * host anywhere, and every relative link in the documentation leads to a file. Exits 1 with a line per problem.
 */
const MAX_LINES = 300;
const REASON = /long on purpose:/;
const REGISTRY_HOSTS = [['registry', 'npmjs', 'org'].join('.'), ['deb', 'debian', 'org'].join('.')];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '');
const known = new Set(files);
const problems = files.flatMap((file) => {
  const text = read(file);
  return text === null
    ? []
    : [...tooLong(file, text), ...namesRegistry(file, text), ...brokenLinks(file, text)];
});

if (files.length < 50) problems.push(`only ${files.length} files were found: is this the whole project?`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${files.length} files checked, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** A deleted file is still listed until the deletion is committed. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function tooLong(file: string, text: string): string[] {
  const lines = text.split('\n').length - 1;
  if (!/\.(ts|cjs|sql)$/.test(file) || lines <= MAX_LINES || REASON.test(text)) return [];
  return [`${file}: ${lines} lines; split it, or say why in a comment "long on purpose: ..."`];
}

function namesRegistry(file: string, text: string): string[] {
  return REGISTRY_HOSTS.filter((host) => text.includes(host)).map(
    (host) => `${file}: names the host ${host}`,
  );
}

function brokenLinks(file: string, text: string): string[] {
  if (!file.endsWith('.md')) return [];
  const folder = new URL(`file:///${file}`);
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const path = decodeURIComponent(new URL(target, folder).pathname.slice(1));
      return !known.has(path) && !files.some((other) => other.startsWith(`${path.replace(/\/$/, '')}/`));
    })
    .map((target) => `${file}: the link ${target} leads nowhere`);
}
