import { afterEach, expect, it, vi } from 'vitest';
import { sayLines } from '../src/cli/run.ts';
import { createFindings } from '../src/replay/findings.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('what a superuser has put into a log does not steer the terminal of whoever verifies it', () => {
  let told = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    told += String(text);
    return true;
  });
  const findings = createFindings();
  findings.mismatch('GAP', { stream: 'x\u001b[2J\rclean\u202e', revision: 0 }, 'is missing');
  const [found] = findings.summary().mismatches;
  sayLines([`${found?.kind} ${found?.stream} ${found?.detail}`, 'ünïcode — and €']);
  expect(told).toBe('GAP x?[2J?clean? is missing\nünïcode — and €\n');
});
