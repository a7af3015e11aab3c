import { describe, expect, it } from 'vitest';
import type { LastVerification } from '../../src/replay/lastVerification.ts';
import { paced } from '../../src/replay/paced.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import { LOOK_EVERY_MS, runVerifyLoop } from '../../src/replay/verifyLoop.ts';
import { createFakeClock } from '../support/clock.ts';
import { recordingLogger } from '../support/scripted.ts';
import { history } from './history.ts';
import { storeOf, verify } from './support.ts';

const HOUR_MS = 3_600_000;

/** The loop on a clock of its own, with a memory for reports. */
async function loop(answers: readonly (() => Promise<VerificationReport>)[] = []) {
  const clock = createFakeClock();
  const logger = recordingLogger();
  const clean = await verify(storeOf([]));
  const state = { leads: true, runs: 0, kept: null as VerificationReport | null };
  const last: LastVerification = {
    read: async () => state.kept,
    keep: async (report) => {
      state.kept = report;
    },
  };
  const run = async (): Promise<VerificationReport> => {
    const answer = answers[state.runs];
    state.runs += 1;
    return { ...(answer ? await answer() : clean), finishedAt: clock.now() };
  };
  const ending = new AbortController();
  const ended = runVerifyLoop(
    { verify: run, last, leads: () => state.leads, everyMs: HOUR_MS, clock, logger },
    ending.signal,
  );
  /** Lets so many looks pass. */
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look += 1) {
      await clock.runUntil(clock.sleep(LOOK_EVERY_MS));
    }
  };
  const stop = (): Promise<void> => {
    ending.abort();
    return ended;
  };
  return { state, looks, stop, logged: logger.lines as readonly { readonly level: string }[] };
}

describe('verification in the background', () => {
  it('begins where none was ever kept, and comes again when the last report is old enough', async () => {
    const { state, looks, stop } = await loop();
    await looks(2);
    expect(state.runs).toBe(1);
    await looks(HOUR_MS / LOOK_EVERY_MS - 3);
    expect(state.runs).toBe(1);
    await looks(3);
    expect(state.runs).toBe(2);
    await stop();
  });

  it('waits for the report of somebody else to get old', async () => {
    const { state, looks, stop } = await loop();
    await looks(HOUR_MS / LOOK_EVERY_MS - 10);
    if (state.kept) state.kept = { ...state.kept, finishedAt: '2026-01-01T00:54:00.000Z' };
    await looks(20);
    expect(state.runs).toBe(1);
    await stop();
  });

  it('is for the process that leads', async () => {
    const { state, looks, stop } = await loop();
    await looks(2);
    state.leads = false;
    await looks((2 * HOUR_MS) / LOOK_EVERY_MS);
    expect(state.runs).toBe(1);
    state.leads = true;
    await looks(1);
    expect(state.runs).toBe(2);
    await stop();
  });

  it('tells of a mismatch, and keeps the report', async () => {
    const log = await history();
    const tampered = storeOf(log.filter(({ stream }) => !stream.startsWith('policy-')));
    const { state, looks, stop, logged } = await loop([() => verify(tampered)]);
    await looks(2);
    expect(state.kept?.result).toBe('MISMATCH');
    expect(logged.map(({ level }) => level)).toStrictEqual(['error']);
    await stop();
  });

  it('is tried again after a failure, which is told once', async () => {
    const fails = () => Promise.reject(new Error('the database is away'));
    const { state, looks, stop, logged } = await loop([fails, fails, fails]);
    await looks(6);
    expect(state.runs).toBe(4);
    expect(logged.map(({ level }) => level)).toStrictEqual(['error', 'info']);
    await stop();
  });
});

describe('a paced log', () => {
  it('gives what the log gives, and no more than so many events a second', async () => {
    const log = await history();
    const clock = createFakeClock();
    const reader = paced(storeOf(log), 10, clock, new AbortController().signal);
    const read = Promise.all([reader.readAll(null, 20), reader.readStream('case-executed', 0, 100)]);
    const [all, one] = await clock.runUntil(read);
    expect([all.length, one.length]).toStrictEqual([20, 6]);
    expect(clock.monotonicMs()).toBe(2_600);
  });

  it('ends when it is told to', async () => {
    const ending = new AbortController();
    const reader = paced(storeOf(await history()), 1, createFakeClock(), ending.signal);
    const read = reader.readAll(null, 20);
    ending.abort();
    await expect(read).rejects.toMatchObject({ code: 'READING_ENDED' });
  });
});
