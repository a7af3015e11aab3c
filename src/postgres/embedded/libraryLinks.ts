import { lstat, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { EmbeddedPostgresError, systemCode } from './errors.ts';

type Link = { source: string; target: string };

/**
 * Makes the links between library versions that a package archive cannot hold and that the package's install script
 * would have made; `npm ci --ignore-scripts` leaves them out. Takes the package's folder and a spare folder.
 * Returns undefined, or, when the package's folder is read-only, the library path for every server process: the spare
 * folder, now full of links, and the package's own libraries, which a linked library looks for beside the link.
 */
export async function linkLibraries(packageDir: string, spare: string): Promise<string | undefined> {
  const missing = await missingLinks(packageDir);
  try {
    for (const { source, target } of missing) await link(basename(source), join(packageDir, target));
    return undefined;
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error;
  }
  await rm(spare, { recursive: true, force: true });
  await mkdir(spare, { mode: 0o755 });
  for (const { source, target } of missing)
    await link(join(packageDir, source), join(spare, basename(target)));
  return [spare, join(packageDir, 'native', 'lib')].join(delimiter);
}

async function missingLinks(packageDir: string): Promise<Link[]> {
  const links = parseLinks(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8'));
  const missing: Link[] = [];
  for (const entry of links) if (!(await exists(join(packageDir, entry.target)))) missing.push(entry);
  return missing;
}

function parseLinks(text: string): Link[] {
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value) && value.every(isLink)) return value;
  throw new EmbeddedPostgresError('POSTGRES_NOT_FOUND', 'The Postgres package is damaged: install it again.');
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null || !('source' in value) || !('target' in value))
    return false;
  const { source, target } = value;
  // A link stays in its folder, so that its target can be relative and survives a move of the project.
  return typeof source === 'string' && typeof target === 'string' && dirname(source) === dirname(target);
}

async function link(to: string, path: string): Promise<void> {
  try {
    await symlink(to, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
