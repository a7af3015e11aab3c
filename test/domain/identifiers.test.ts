import { describe, expect, it } from 'vitest';
import {
  caseIdOfStream,
  caseIdOfTask,
  caseIdSchema,
  caseStream,
  LOG_STREAM,
  playbookStream,
  policyStream,
  taskIdOf,
} from '../../src/domain/identifiers.ts';

const HASH = 'ab'.repeat(32);

describe('case ids', () => {
  it.each([
    ['C1001', 'C1001'],
    ['  C1001\n', 'C1001'],
    ['a.b_c-D9', 'a.b_c-D9'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ])('takes %j', (text, id) => {
    expect(caseIdSchema.parse(text)).toBe(id);
  });
  it.each(['', '   ', 'x'.repeat(65), 'a b', 'a/b', 'a~b', 'Ä', 'a\nb', 'a\u0000', 'C1001\u2028x'])(
    'refuses %j',
    (text) => {
      const result = caseIdSchema.safeParse(text);
      expect(result.success).toBe(false);
      expect(result.error?.issues[0]?.message).toContain('1 to 64');
    },
  );
});

describe('streams', () => {
  it('carry the id of their case', () => {
    expect(caseStream('C1001')).toBe('case-C1001');
    expect(caseIdOfStream('case-case-1')).toBe('case-1');
  });
  it.each([policyStream(HASH), playbookStream(HASH), LOG_STREAM])('%s is no case’s', (stream) => {
    expect(caseIdOfStream(stream)).toBeNull();
  });
});

describe('task ids', () => {
  it('name their case', () => {
    expect(taskIdOf('C-1', HASH)).toBe(`C-1~${'ab'.repeat(16)}`);
    expect(caseIdOfTask(taskIdOf('C-1', HASH))).toBe('C-1');
  });
  it.each([
    'C1',
    'C1~',
    `C1~${'a'.repeat(31)}`,
    `C1~${'a'.repeat(33)}`,
    `C1~${'A'.repeat(32)}`,
    `a b~${'a'.repeat(32)}`,
    `~${'a'.repeat(32)}`,
    `C1~${'a'.repeat(32)}\n`,
  ])('%j is none', (text) => {
    expect(caseIdOfTask(text)).toBeNull();
  });
});
