import type { BusinessHours } from '../../src/domain/businessHours.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 24 * 60;
const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

type Offsets = { readonly format: Intl.DateTimeFormat; readonly known: Map<number, number> };
const zones = new Map<string, Offsets>();

function offsetsOf(zone: string): Offsets {
  const offsets = zones.get(zone) ?? {
    format: new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }),
    known: new Map(),
  };
  zones.set(zone, offsets);
  return offsets;
}

/** Minutes that a zone's clock is ahead of UTC, by the runtime's own data; no zone changes within a quarter of an hour. */
function offset({ format, known }: Offsets, at: number): number {
  const quarter = Math.floor(at / QUARTER) * QUARTER;
  const before = known.get(quarter);
  if (before !== undefined) return before;
  const text = format.format(quarter);
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT(?:([+-])(\d+):(\d+))?$/.exec(text) ?? [];
  const found = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  known.set(quarter, found);
  return found;
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

type Bounds = { readonly date: number; from: number; to: number };

function boundsOf(hours: BusinessHours, date: number): Bounds {
  const day = new Date(date * DAY * MINUTE);
  const isWorked =
    hours.days.some((name) => name === NAMES[day.getUTCDay()]) &&
    !hours.holidays.includes(day.toISOString().slice(0, 10));
  const [from, to] = [date * DAY + minuteOf(hours.from), date * DAY + minuteOf(hours.to)];
  return isWorked ? { date, from, to } : { date, from: Infinity, to: -Infinity };
}

/**
 * The deadline as somebody finds it who looks at the zone's clock every minute and makes a stroke while people work.
 *
 * @param from epoch milliseconds, a whole minute
 */
export function watchTheClock(hours: BusinessHours, minutes: number, from: number): number {
  const offsets = offsetsOf(hours.timeZone);
  let bounds: Bounds | null = null;
  let latest = -Infinity;
  let strokes = 0;
  // Begins two days before, so that it has seen all of the day.
  for (let at = from - 2 * DAY * MINUTE; ; at += MINUTE) {
    const shown = at / MINUTE + offset(offsets, at);
    const date = Math.floor(Math.max(shown, latest) / DAY);
    if (bounds?.date !== date) bounds = boundsOf(hours, date);
    for (const bound of ['from', 'to'] as const) {
      // The clock has skipped it.
      if (latest < bounds[bound] && bounds[bound] < shown) bounds[bound] += shown - latest - 1;
    }
    latest = Math.max(latest, shown);
    if (at < from || latest < bounds.from || latest >= bounds.to) continue;
    strokes += 1;
    if (strokes === minutes) return at + MINUTE;
  }
}
