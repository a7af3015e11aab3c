import fc from 'fast-check';
import { Settings } from 'luxon';
import { afterEach, describe, expect, it } from 'vitest';
import { addBusinessMinutes, type BusinessHours, yearOf } from '../../src/domain/businessHours.ts';
import { dueBy, escalation } from '../../src/domain/deadlines.ts';
import { PRIORITIES } from '../../src/domain/vocabulary.ts';
import { watchTheClock } from './businessClock.ts';
import { changed, parse, SOURCE } from './policySource.ts';

const WEEK = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;
const BERLIN: BusinessHours = {
  timeZone: 'Europe/Berlin',
  days: ['MON', 'TUE', 'WED', 'THU', 'FRI'],
  from: '08:00',
  to: '18:00',
  holidays: ['2026-12-25', '2026-12-26'],
};
const NEW_YORK: BusinessHours = { ...BERLIN, timeZone: 'America/New_York', from: '09:00', to: '17:00' };
const KOLKATA: BusinessHours = { ...BERLIN, timeZone: 'Asia/Kolkata' };
const NIGHTS: BusinessHours = { ...BERLIN, days: ['SUN'], from: '02:30', to: '04:00' };
const ALWAYS: BusinessHours = { ...BERLIN, days: [...WEEK], from: '00:00', to: '24:00', holidays: [] };

/** The default policy with these hours, read as a file would be. */
const withHours = (hours: BusinessHours | null) =>
  parse(
    hours === null
      ? SOURCE
      : changed('\nreviews:\n', `\nreviews:\n  businessHours: ${JSON.stringify(hours)}\n`),
  );
const target = (dueMinutes: number) => ({ queue: 'q', dueMinutes, dueMinutesByPriority: {} });
const iso = (time: string): string => new Date(time).toISOString();

describe('dueBy', () => {
  it.each<[string, BusinessHours | null, number, string, string]>([
    [
      'without business hours every minute counts',
      null,
      480,
      '2026-03-06T17:00+01:00',
      '2026-03-07T01:00+01:00',
    ],
    ['within a day', BERLIN, 120, '2026-03-02T09:00+01:00', '2026-03-02T11:00+01:00'],
    ['exactly until the day ends', BERLIN, 120, '2026-03-02T16:00+01:00', '2026-03-02T18:00+01:00'],
    ['a minute more goes on the next day', BERLIN, 121, '2026-03-02T16:00+01:00', '2026-03-03T08:01+01:00'],
    ['from exactly when the day begins', BERLIN, 60, '2026-03-02T08:00+01:00', '2026-03-02T09:00+01:00'],
    ['from exactly when it ends', BERLIN, 60, '2026-03-02T18:00+01:00', '2026-03-03T09:00+01:00'],
    ['from before it begins', BERLIN, 60, '2026-03-02T05:13+01:00', '2026-03-02T09:00+01:00'],
    ['from after it has ended', BERLIN, 60, '2026-03-02T22:59+01:00', '2026-03-03T09:00+01:00'],
    ['a whole day', BERLIN, 600, '2026-03-02T00:00+01:00', '2026-03-02T18:00+01:00'],
    ['several days', BERLIN, 1_500, '2026-03-02T12:00+01:00', '2026-03-04T17:00+01:00'],
    ['over a weekend', BERLIN, 60, '2026-03-06T17:30+01:00', '2026-03-09T08:30+01:00'],
    ['from a weekend', BERLIN, 60, '2026-03-07T12:00+01:00', '2026-03-09T09:00+01:00'],
    ['over holidays and a weekend', BERLIN, 120, '2026-12-24T17:00+01:00', '2026-12-28T09:00+01:00'],
    ['from a holiday', BERLIN, 60, '2026-12-25T10:00+01:00', '2026-12-28T09:00+01:00'],
    ['to the millisecond', BERLIN, 1, '2026-03-02T17:59:59.500+01:00', '2026-03-03T08:00:59.500+01:00'],
    ['over the year’s end', BERLIN, 660, '2026-12-31T12:00+01:00', '2027-01-01T13:00+01:00'],
    ['over clocks that go forward', BERLIN, 120, '2026-03-27T17:00+01:00', '2026-03-30T09:00+02:00'],
    ['over clocks that go back', BERLIN, 120, '2026-10-23T17:00+02:00', '2026-10-26T09:00+01:00'],
    ['the same in New York: forward', NEW_YORK, 120, '2026-03-06T16:00-05:00', '2026-03-09T10:00-04:00'],
    ['and back', NEW_YORK, 120, '2026-10-30T16:00-04:00', '2026-11-02T10:00-05:00'],
    ['a Friday that is Saturday in UTC', NEW_YORK, 60, '2026-03-06T23:00-05:00', '2026-03-09T10:00-04:00'],
    ['a Monday that is Sunday in UTC', KOLKATA, 60, '2026-03-02T02:00+05:30', '2026-03-02T09:00+05:30'],
    ['half an hour’s offset', KOLKATA, 60, '2026-03-06T17:30+05:30', '2026-03-09T08:30+05:30'],
    ['hours that never end: forward', ALWAYS, 180, '2026-03-29T00:30+01:00', '2026-03-29T04:30+02:00'],
    ['and back again', ALWAYS, 180, '2026-10-25T00:30+02:00', '2026-10-25T02:30+01:00'],
    ['hours whose beginning is skipped', NIGHTS, 10, '2026-03-29T00:00+01:00', '2026-03-29T03:40+02:00'],
    ['hours whose beginning comes twice', NIGHTS, 120, '2026-10-25T00:00+02:00', '2026-10-25T03:30+01:00'],
    [
      'hours whose end comes twice end the first time',
      { ...NIGHTS, from: '00:00', to: '02:30' },
      151,
      '2026-10-25T00:00+02:00',
      '2026-11-01T00:01+01:00',
    ],
    [
      'until midnight',
      { ...ALWAYS, days: ['MON'], from: '20:00' },
      300,
      '2026-03-02T20:00+01:00',
      '2026-03-09T21:00+01:00',
    ],
    [
      'a day that has no midnight',
      { ...ALWAYS, timeZone: 'Africa/Cairo', days: ['FRI'], to: '02:00' },
      30,
      '2026-04-23T12:00+02:00',
      '2026-04-24T01:30+03:00',
    ],
    [
      'a day whose last hour is skipped ends at midnight',
      { ...ALWAYS, timeZone: 'America/Nuuk', days: ['SAT', 'SUN'], to: '23:30' },
      100,
      '2026-03-28T22:30-02:00',
      '2026-03-29T01:10-01:00',
    ],
  ])('%s', (_, hours, minutes, from, due) => {
    expect(dueBy(withHours(hours), target(minutes), 'MEDIUM', from)).toBe(iso(due));
  });

  it('has a deadline by priority, where there is one, within the same hours', () => {
    const critical = { ...target(480), dueMinutesByPriority: { HIGH: 120, CRITICAL: 30 } };
    const due = (hours: BusinessHours | null) =>
      PRIORITIES.map((priority) => dueBy(withHours(hours), critical, priority, '2026-03-06T17:00+01:00'));
    expect(due(null)).toStrictEqual(
      ['2026-03-07T01:00', '2026-03-07T01:00', '2026-03-06T19:00', '2026-03-06T17:30'].map((at) =>
        iso(`${at}+01:00`),
      ),
    );
    expect(due(BERLIN)).toStrictEqual(
      ['2026-03-09T15:00', '2026-03-09T15:00', '2026-03-09T09:00', '2026-03-06T17:30'].map((at) =>
        iso(`${at}+01:00`),
      ),
    );
  });

  describe('does not depend on when it is computed', () => {
    afterEach(() => {
      Settings.now = () => Date.now();
      Settings.resetCaches();
    });
    it.each(['2026-01-15', '2026-07-15', '2026-10-25T01:30', '1890-01-01'])('%s', (now) => {
      Settings.now = () => Date.parse(`${now.padEnd(16, 'T00:00')}Z`);
      Settings.resetCaches();
      expect(dueBy(withHours(NIGHTS), target(10), 'LOW', '2026-10-25T00:00+02:00')).toBe(
        iso('2026-10-25T02:40+02:00'),
      );
      expect(dueBy(withHours(NIGHTS), target(10), 'LOW', '2026-03-29T00:00+01:00')).toBe(
        iso('2026-03-29T03:40+02:00'),
      );
    });
  });
});

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
const CHANGES = [
  '2026-03-08',
  '2026-03-29',
  '2026-04-05',
  '2026-04-24',
  '2026-10-25',
  '2026-10-30',
  '2026-11-01',
];
/** Minutes since the epoch, mostly in days in which some zone's clocks change. */
const starts = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -4_320, max: 1_440 })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('2026-01-01'), fc.nat(1_000_000)) },
  )
  .map(([date, minutes]) => Date.parse(date) / 60_000 + minutes);
const holiday = fc.oneof(
  fc.constantFrom(...CHANGES),
  fc.nat(364).map((day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10)),
);
const hours: fc.Arbitrary<BusinessHours> = fc
  .record({
    timeZone: fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'Africa/Cairo',
      'America/Nuuk',
      'UTC',
    ),
    days: fc.subarray([...WEEK], { minLength: 2 }),
    bounds: fc.tuple(fc.integer({ min: 0, max: 1_380 }), fc.integer({ min: 60, max: 1_440 })),
    holidays: fc.array(holiday, { maxLength: 4 }),
  })
  .map(({ bounds: [from, length], ...rest }) => ({
    ...rest,
    from: clock(from),
    to: clock(Math.min(1_440, from + length)),
  }));

describe('whatever the hours', () => {
  it('it is the deadline that somebody finds who watches the clock', () => {
    fc.assert(
      fc.property(hours, fc.integer({ min: 1, max: 600 }), starts, (each, minutes, start) => {
        const found = addBusinessMinutes(each, minutes, start * 60_000);
        expect(new Date(found)).toStrictEqual(new Date(watchTheClock(each, minutes, start * 60_000)));
      }),
      { numRuns: 300 },
    );
  });
  it('who begins later is not due earlier, and time that is counted in two parts is the same time', () => {
    const milliseconds = fc.tuple(starts, fc.nat(59_999)).map(([minute, rest]) => minute * 60_000 + rest);
    const amounts = fc.integer({ min: 1, max: 3_000 });
    fc.assert(
      fc.property(
        hours,
        amounts,
        amounts,
        milliseconds,
        fc.nat(10_000_000),
        (each, some, more, start, wait) => {
          const due = addBusinessMinutes(each, some, start);
          expect(due).toBeGreaterThan(start);
          expect(addBusinessMinutes(each, some, start + wait)).toBeGreaterThanOrEqual(due);
          expect(addBusinessMinutes(each, more, due)).toBe(addBusinessMinutes(each, some + more, start));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a deadline comes, however few the hours', () => {
  it('a year of one minute a week, and a holiday on each of as many as there may be', () => {
    const sundays = Array.from({ length: 366 }, (_, week) =>
      new Date(Date.UTC(2026, 0, 4 + 7 * week)).toISOString().slice(0, 10),
    );
    const few: BusinessHours = { ...NIGHTS, from: '02:30', to: '02:31', holidays: sundays };
    expect(yearOf(few)).toBe(52);
    // 366 Sundays off and 52 that count; the first of all is 2026-01-04.
    expect(addBusinessMinutes(few, 52, Date.UTC(2026, 0, 1))).toBe(
      Date.UTC(2026, 0, 4 + 7 * (366 + 51), 1, 31),
    );
  });
  it('more than a year of them is refused, not searched for', () => {
    expect(() => addBusinessMinutes({ ...NIGHTS, to: '02:31' }, 1_000, 0)).toThrow(/more than a year/);
  });
});

describe('escalation', () => {
  it('leads from operations and failures to the supervisors, and ends there', () => {
    const policy = parse(SOURCE);
    const supervisors = policy.queues.find(({ queue }) => queue === 'supervisors');
    expect(supervisors).toMatchObject({ dueMinutes: 240, codes: [] });
    expect(escalation(policy, 'operations')).toBe(supervisors);
    expect(escalation(policy, 'failures')).toBe(supervisors);
    expect(['supervisors', 'security', 'elsewhere'].map((queue) => escalation(policy, queue))).toStrictEqual([
      null,
      null,
      null,
    ]);
  });
  it('may lead to the default queue', () => {
    const policy = parse(changed('    dueMinutes: 60\n', '    dueMinutes: 60\n    escalateTo: operations\n'));
    expect(escalation(policy, 'security')).toBe(policy.defaultQueue);
  });
});
