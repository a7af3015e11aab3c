import { type FileHandle, mkdir, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SealAlarmError } from './alarm.ts';
import { type Anchor, type AnchorEntry, type AnchoredSeal, lineOf, parseLine } from './anchor.ts';

const NEWLINE = 10;
const CHUNK = 65_536;

/** An anchor that is a file of JSON lines, opened for appending only. It and its folder are made with the first seal. */
export const createFileAnchor = (path: string): Anchor => ({
  description: path,
  last: async () => {
    const file = await openIfThere(path);
    if (!file) return null;
    try {
      const { size } = await file.stat();
      const end = (await lastNewline(file, size)) + 1;
      if (end < size) await truncate(path, end);
      return end === 0 ? null : seal(path, await lineBefore(file, end));
    } finally {
      await file.close();
    }
  },
  append: async (anchored) => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a', 0o640);
    try {
      // One write, so that lines of two processes do not mix. What it leaves of a line on a full disk is taken away by the next.
      const line = Buffer.from(lineOf(anchored), 'utf8');
      const { bytesWritten } = await file.write(line);
      if (bytesWritten < line.length) throw new Error(`the seal was not written whole to ${path}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  },
});

/**
 * Reads an anchor from its beginning. A last line without an end is what a crash has left of one, and is left out. Whoever stops before
 * its end leaves nothing open.
 *
 * @throws the file system's error, ENOENT where there is no such file
 */
export async function* readAnchor(path: string): AsyncGenerator<AnchorEntry> {
  const decoder = new TextDecoder();
  let [rest, line, from] = ['', 0, 0];
  for (;;) {
    const chunk = await readChunk(path, from);
    if (chunk.length === 0) return;
    from += chunk.length;
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      line += 1;
      const read = parseLine(text);
      yield read ? { kind: 'seal', seal: read } : { kind: 'unreadable', line };
    }
  }
}

async function readChunk(path: string, from: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    return await readRange(file, from, from + CHUNK);
  } finally {
    await file.close();
  }
}

function seal(path: string, line: string): AnchoredSeal {
  const read = parseLine(line);
  if (read) return read;
  throw new SealAlarmError('SEAL_UNREADABLE', `the last line of ${path} is no seal`);
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Where the last newline before a place in the file is; -1 for none. */
async function lastNewline(file: FileHandle, before: number): Promise<number> {
  for (let end = before; end > 0; end -= CHUNK) {
    const chunk = await readRange(file, Math.max(0, end - CHUNK), end);
    const index = chunk.lastIndexOf(NEWLINE);
    if (index >= 0) return Math.max(0, end - CHUNK) + index;
  }
  return -1;
}

/** The line that ends with the newline just before `end`. */
async function lineBefore(file: FileHandle, end: number): Promise<string> {
  const start = (await lastNewline(file, end - 1)) + 1;
  return (await readRange(file, start, end - 1)).toString('utf8');
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
  return buffer.subarray(0, bytesRead);
}

/** A file that was just made is durable only with its folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
