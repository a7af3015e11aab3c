import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvValue, csvRecord } from '../../src/export/csv.ts';
import { readCsv } from './csvReader.ts';

/** What the spreadsheets of this world take for the beginning of a formula. */
const TRIGGERS = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
const hostile = fc
  .tuple(
    fc.constantFrom('', ...TRIGGERS, '"', ',', "'", '\r\n', ' '),
    fc.string({ unit: fc.constantFrom(...TRIGGERS, '"', ',', ';', "'", '\r\n', 'a', '1', ' ', '😀', '|') }),
  )
  .map((parts) => parts.join(''));
const values: fc.Arbitrary<CsvValue> = fc.oneof(
  hostile,
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(null),
);
const asText = (value: CsvValue): string => (value === null ? '' : String(value));
/** Text whose every part between semicolons is none that a spreadsheet computes, also where that splits records at semicolons. */
const escaped = (text: string): string =>
  text
    .split(';')
    .map((part, index) => {
      const begins = index === 0 ? part : part.replace(/^[ "]*/, '');
      return isInert(begins) && isInert(part) ? part : `'${part}`;
    })
    .join(';');
const isInert = (text: string): boolean => !TRIGGERS.some((trigger) => text.startsWith(trigger));

describe('a record of a CSV file', () => {
  it('is read as the fields that were written, none of which a spreadsheet computes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(values, { minLength: 2, maxLength: 5 }), { maxLength: 5 }), (records) => {
        const read = readCsv(records.map(csvRecord).join(''));
        expect(read.every((record) => record.every(isInert))).toBe(true);
        expect(read).toStrictEqual(records.map((record) => record.map(asText).map(escaped)));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[CsvValue, string]>([
    ['plain', 'plain'],
    [null, ''],
    [0.95, '0.95'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['a "b"', '"a ""b"""'],
    ['a\r\nb', '"a\r\nb"'],
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['=1+1,"x"', '"\'=1+1,""x"""'],
    ['+49 30 1', "'+49 30 1"],
    [-1, "'-1"],
    ['-5~0', "'-5~0"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', '"\'\r=1"'],
    ['＝1', "'＝1"],
    [' =1', ' =1'],
    ["'=1", "'=1"],
    ['a;=1+1;b', "a;'=1+1;b"],
    ['a;-1;;@b', "a;'-1;;'@b"],
    ['a; "=1"', '"a;\' ""=1"""'],
    ['a;b', 'a;b'],
  ])('has %j as %s', (value, field) => {
    expect(csvRecord([value, 'x'])).toBe(`${field},x\r\n`);
  });
});

it.each(['a', 'a\n', 'a"b\r\n', '"a\r\n', '"a"b\r\n', 'a,b\r\nc'])('the reader refuses %j', (text) => {
  expect(() => readCsv(text)).toThrow(Error);
});
