import { randomBytes } from 'node:crypto';
import { lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes a file that is there only when it is whole: under its name there is this one, or the one that was there before. Two commands
 * that write the same one do not mix. What is no file (a link, /dev/stdout) is written to as it is.
 *
 * @param text in pieces
 * @param mode of the file, also where there was one before
 * @throws what `text` and the file system throw: then nothing is left behind
 */
export async function writeWholeFile(
  path: string,
  text: Iterable<string> | AsyncIterable<string>,
  mode: number,
): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there && !there.isFile()) return writeFile(path, text);
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.partial`;
  try {
    const file = await open(unfinished, 'wx', mode);
    await pipeline(Readable.from(text), file.createWriteStream());
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
