import { describe, expect, it } from 'vitest';
import { beforeReviews, lineOf, parse, problemsOf } from './policySource.ts';

const HOURS = [
  'timeZone: Europe/Berlin',
  'days: [MON, TUE]',
  'from: "08:00"',
  'to: "18:00"',
  'holidays: ["2026-12-25"]',
];
const hours = (...lines: readonly string[]): string => {
  const keys = lines.map((line) => line.split(':')[0]);
  const kept = HOURS.filter((line) => !keys.includes(line.split(':')[0]));
  return beforeReviews(
    'reviews:',
    '  businessHours:',
    ...[...kept, ...lines].map((line) => `    ${line}`),
    '',
  );
};

describe('business hours', () => {
  it.each([
    [
      'on every day, round the clock',
      ['days: [SUN, SAT, FRI, THU, WED, TUE, MON]', 'from: "00:00"', 'to: "24:00"'],
    ],
    ['of UTC', ['timeZone: UTC']],
    ['without quotes', ['from: 08:00', 'to: 18:00', 'holidays: [2024-02-29]']],
  ])('may be %s', (_, lines) => {
    expect(parse(hours(...lines)).reviews.businessHours).toBeDefined();
  });
  it('may go without holidays', () => {
    expect(parse(hours().replace(/ +holidays.*\n/, '')).reviews.businessHours?.holidays).toStrictEqual([]);
  });
  it.each<[string, string, string, string]>([
    [
      'an unknown zone',
      'timeZone: Europe/Bielefeld',
      'timeZone',
      'Europe/Bielefeld is no IANA time zone; write one such as Europe/Berlin',
    ],
    ['an offset for a zone', 'timeZone: "+01:00"', 'timeZone', 'IANA'],
    ['the machine’s own zone', 'timeZone: local', 'timeZone', 'IANA'],
    ['no day', 'days: []', 'days', '1'],
    ['an unknown day', 'days: [MON, MONTAG]', 'days.1', 'MON'],
    ['a time that is none', 'from: "25:00"', 'from', 'must be a time of day in quotes, "00:00" to "23:59"'],
    ['a time without its zero', 'from: "8:00"', 'from', 'time of day'],
    ['a time as a number', 'from: 8', 'from', 'string'],
    ['an end after midnight', 'to: "24:01"', 'to', 'must be a time of day in quotes, "00:01" to "24:00"'],
    [
      'an end before the beginning',
      'to: "07:00"',
      'to',
      'must be later than from; hours over midnight cannot be said',
    ],
    ['no time at all', 'to: "08:00"', 'to', 'later than from'],
    [
      'a holiday that does not exist',
      'holidays: ["2026-02-30"]',
      'holidays.0',
      'must be a date that exists, such as "2026-12-25"',
    ],
    ['a holiday in another notation', 'holidays: [25.12.2026]', 'holidays.0', 'date'],
    ['an unknown key', 'lunch: "12:00"', '', 'lunch'],
  ])('%s is refused, with line and key', (_, line, key, message) => {
    const source = hours(line);
    const path = ['reviews.businessHours', ...(key === '' ? [] : [key])].join('.');
    const problems = problemsOf(source);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: 'policy.yaml', line: lineOf(source, line), path });
    expect(problems[0]?.message).toContain(message);
  });
  it('years of holidays are refused', () => {
    const days = Array.from({ length: 367 }, (_, day) =>
      new Date(Date.UTC(2026, 0, day)).toISOString().slice(0, 10),
    );
    const problems = problemsOf(hours(`holidays: ${JSON.stringify(days)}`));
    expect(problems).toMatchObject([{ path: 'reviews.businessHours.holidays' }]);
    expect(problems[0]?.message).toBe('must be at most 366 days; leave out those that are past');
    expect(
      parse(hours(`holidays: ${JSON.stringify(days.slice(1))}`)).reviews.businessHours?.holidays,
    ).toHaveLength(366);
  });
  it('that are too few for a deadline are refused there', () => {
    const source = hours('days: [MON, MON]', 'from: "08:00"', 'to: "08:02"').replace(
      'dueMinutes: 480',
      'dueMinutes: 104\n  dueMinutesByPriority:\n    LOW: 105',
    );
    const told = (key: string, minutes: number, at: string) => ({
      file: 'policy.yaml',
      line: lineOf(source, at),
      path: key,
      message: `must be at most 104, a year of reviews.businessHours, but is ${minutes}`,
    });
    expect(problemsOf(source)).toStrictEqual([
      told('queues.1.dueMinutes', 120, 'dueMinutes: 120'),
      told('defaultQueue.dueMinutesByPriority.LOW', 105, 'LOW: 105'),
    ]);
  });
});
