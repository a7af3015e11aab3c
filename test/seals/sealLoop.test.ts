import { expect, it } from 'vitest';
import { SealAlarmError } from '../../src/seals/alarm.ts';
import { startSealLoop } from '../../src/seals/sealLoop.ts';
import { createFakeClock } from '../support/clock.ts';
import { recordingLogger } from '../support/scripted.ts';

const EVERY_MS = 60_000;

/** A loop whose seals do what the script says, one after the other; the last goes on for ever. */
function started(script: readonly (Error | null)[], leads: () => boolean = () => true) {
  const clock = createFakeClock();
  const logger = recordingLogger();
  const ending = new AbortController();
  const sealedAt: number[] = [];
  const seal = async (): Promise<void> => {
    const error = script[Math.min(sealedAt.push(clock.monotonicMs()), script.length) - 1];
    if (error) throw error;
  };
  const loop = startSealLoop({ seal, leads, everyMs: EVERY_MS, clock, logger }, ending.signal);
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(500);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  const stop = (): Promise<void> => {
    ending.abort();
    return loop.ended;
  };
  return { loop, sealedAt, lines: logger.lines, pass, stop };
}

it('seals at once, every so often, and a last time at its end', async () => {
  const { sealedAt, pass, stop, lines } = started([null]);
  await pass(2.5 * EVERY_MS);
  await stop();
  expect(sealedAt).toEqual([0, EVERY_MS, 2 * EVERY_MS, 2.5 * EVERY_MS]);
  expect(lines).toEqual([]);
});

it('seals only while this process leads, and soon after it does', async () => {
  let leads = false;
  const { sealedAt, pass, stop } = started([null], () => leads);
  await pass(EVERY_MS);
  expect(sealedAt).toEqual([]);
  leads = true;
  await pass(1_000);
  expect(sealedAt).toEqual([EVERY_MS + 500]);
  leads = false;
  await pass(2 * EVERY_MS);
  await stop();
  expect(sealedAt).toEqual([EVERY_MS + 500]);
});

it('tells of a failure once, goes on, and tells when it is over', async () => {
  const full = new Error('no space left on device');
  const { loop, pass, stop, lines } = started([full, full, null]);
  await pass(3 * EVERY_MS);
  expect(loop.alarm()).toBeNull();
  await stop();
  expect(lines).toEqual([
    { level: 'error', err: full, message: 'sealing failed; it is tried again' },
    { level: 'info', message: 'the log is sealed again' },
  ]);
});

it('sounds an alarm once, which holds through other failures until the log is sealed again', async () => {
  const alarm = new SealAlarmError('ANCHORED_SEAL_NOT_IN_LOG', 'seal 7 is gone');
  const { loop, pass, stop, lines } = started([alarm, alarm, new Error('away'), alarm, null]);
  await pass(1_000);
  expect(loop.alarm()).toBe('ANCHORED_SEAL_NOT_IN_LOG');
  await pass(2 * EVERY_MS);
  expect(loop.alarm()).toBe('ANCHORED_SEAL_NOT_IN_LOG');
  await pass(2 * EVERY_MS);
  expect(loop.alarm()).toBeNull();
  await stop();
  expect(lines).toEqual([
    {
      level: 'error',
      code: 'SEAL_ALARM',
      reason: 'ANCHORED_SEAL_NOT_IN_LOG',
      problem: 'seal 7 is gone',
      message: 'ALARM: the log is not what was sealed; nothing is sealed any more',
    },
    { level: 'error', err: new Error('away'), message: 'sealing failed; it is tried again' },
    { level: 'info', message: 'the log is sealed again' },
  ]);
});
