import { DateTime, IANAZone } from 'luxon';
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;
const MAX_HOLIDAYS = 366;
/** A deadline takes 52 weeks of hours at most (`yearOf`) and each holiday a week; twice that, as clocks that go forward take some away. */
const MAX_DAYS = 2 * 7 * (52 + MAX_HOLIDAYS);

/** Aborts, so that times that are none are not compared as well. */
const clock = (pattern: RegExp, range: string) =>
  z.string().regex(pattern, { abort: true, error: `must be a time of day in quotes, ${range}` });

/** When people work: only these hours count for a deadline. */
export const businessHours = z
  .strictObject({
    timeZone: z.string().refine((name) => /^[A-Za-z]/.test(name) && IANAZone.isValidZone(name), {
      error: ({ input }) => `${input} is no IANA time zone; write one such as Europe/Berlin`,
    }),
    days: z.array(z.enum(DAYS)).min(1),
    from: clock(/^([01]\d|2[0-3]):[0-5]\d$/, '"00:00" to "23:59"'),
    to: clock(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, '"00:01" to "24:00"'),
    /** Days of the zone's calendar on which nobody works. */
    holidays: z
      .array(z.iso.date({ error: 'must be a date that exists, such as "2026-12-25"' }))
      .max(MAX_HOLIDAYS, `must be at most ${MAX_HOLIDAYS} days; leave out those that are past`)
      .default([]),
  })
  .refine(({ from, to }) => from < to, {
    path: ['to'],
    error: 'must be later than from; hours over midnight cannot be said',
  });

export type BusinessHours = z.infer<typeof businessHours>;

/** The minutes of a year of these hours (52 weeks without holidays): no deadline may be longer. */
export const yearOf = ({ days, from, to }: BusinessHours): number =>
  52 * new Set(days).size * (minuteOfDay(to) - minuteOfDay(from));

/**
 * The instant at which so many minutes have passed, of which only those within the hours count. What ends just when the
 * hours do ends then, not when they begin again.
 *
 * @param minutes more than 0, and at most `yearOf(hours)`
 * @param from epoch milliseconds
 * @returns epoch milliseconds
 */
export function addBusinessMinutes(hours: BusinessHours, minutes: number, from: number): number {
  const { year, month, day } = DateTime.fromMillis(from, { zone: hours.timeZone });
  const first = DateTime.utc(year, month, day);
  let left = minutes * MINUTE_MS;
  for (let days = 0; days <= MAX_DAYS; days += 1) {
    const date = first.plus({ days });
    if (!isWorked(hours, date)) continue;
    const begin = Math.max(from, reaches(hours, date, hours.from));
    const end = reaches(hours, date, hours.to);
    if (begin + left <= end) return begin + left;
    left -= Math.max(0, end - begin);
  }
  throw new Error(`${minutes} minutes of business hours are more than a year of them`);
}

const isWorked = ({ days, holidays }: BusinessHours, date: DateTime): boolean =>
  days.some((name) => DAYS.indexOf(name) === date.weekday - 1) &&
  !holidays.includes(date.toFormat('yyyy-MM-dd'));

/** When the zone's clock shows a time of a date, at the latest when the date ends there. */
const reaches = ({ timeZone }: BusinessHours, date: DateTime, time: string): number =>
  Math.min(instant(timeZone, date, minuteOfDay(time)), instant(timeZone, date, 24 * 60));

/**
 * Where clocks go back and show a time twice it is the first time; a time that they skip when they go forward is as much later as
 * they skip.
 */
function instant(zone: string, { year, month, day }: DateTime, minutes: number): number {
  const local = { year, month, day, hour: Math.floor(minutes / 60), minute: minutes % 60 };
  // Which of two the library takes by itself depends on the time at which it is asked.
  const possible = DateTime.fromObject(local, { zone }).getPossibleOffsets();
  return Math.min(...possible.map((each) => each.toMillis()));
}

const minuteOfDay = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
