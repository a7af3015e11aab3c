import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('docs/signals.md lists what the signals miss today', () => {
  const page = readFileSync('docs/signals.md', 'utf8');
  const command = /`node (scripts\/list-signal-misses\.ts [^`]+)`/.exec(page)?.[1] ?? '';
  const listed = execFileSync(process.execPath, command.split(' '), { encoding: 'utf8' });
  expect(listed).toContain('hostile texts raise no signal');
  expect(page.endsWith(listed)).toBe(true);
});
