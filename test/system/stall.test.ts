import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryOf, within } from '../load/memory.ts';
import { type Outside, startOutside } from '../load/outside.ts';
import { type LoadedService, startLoadedService } from '../load/service.ts';
import { type Dependency, runStalls, type StallReport } from '../load/stallRun.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** The short version of `npm run test:stall`: a second or two of each, and limits that a busy machine keeps. */

/** How long a call of model or backend may take; longer than the stall, so that whoever waits for one waits for all of it. */
const CALL_MS = 2_500;
/** Acceptance that waits for what is stalled takes CALL_MS; acceptance that does not takes milliseconds. */
const BLOCKED_MS = 1_000;
const GROWTH_MB = 150;
const STALLS: readonly Dependency[] = ['backend', 'model'];

let database: TestDatabase;
let outside: Outside;
let service: LoadedService;
let report: StallReport;
let stopped: boolean;

beforeAll(async () => {
  [database, outside] = await Promise.all([createTestDatabase('stall'), startOutside()]);
  service = await startLoadedService({
    outside,
    databaseUrl: database.url,
    modelTimeoutMs: CALL_MS,
    backendTimeoutMs: CALL_MS,
    retries: '{ firstPauseSeconds: 0.2, longestPauseSeconds: 1 }',
  });
  report = await runStalls(service, outside, {
    perSecond: 15,
    casesInUse: 10,
    normalMs: 700,
    stallMs: 1_800,
    recoveredMs: 400,
    drainMs: 30_000,
    sampleEveryMs: 200,
    stalls: STALLS,
  });
  stopped = await service.stop();
}, 90_000);
afterAll(async () => {
  if (stopped === undefined) await service?.stop();
  await outside?.stop();
  await database?.drop();
});

describe.each(STALLS)('while the %s accepts everything and answers nothing', (dependency) => {
  const stall = () => {
    const found = report.stalls.find((one) => one.dependency === dependency);
    if (!found) throw new Error(`${dependency} was not stalled`);
    return found;
  };

  it('tasks are accepted as fast as ever', () => {
    const { normal, stalled, recovered } = stall();
    for (const { accepted, offered } of [normal, stalled, recovered]) expect(accepted).toBe(offered);
    expect(stalled.latency.p50).toBeLessThan(BLOCKED_MS);
  });

  it('they are in flight meanwhile, and memory stays', () => {
    const { normal, stalled } = stall();
    const samples = within(report.samples, stalled.fromMs, stalled.toMs);
    expect(Math.max(...samples.map(({ inFlight }) => inFlight))).toBeGreaterThan(stalled.offered / 2);
    const before = memoryOf(within(report.samples, normal.fromMs, normal.toMs));
    expect(memoryOf(samples).rss - before.rss).toBeLessThan(GROWTH_MB);
  });
});

it('afterwards every accepted task has ended or is with a person', () => {
  const { endings } = report;
  expect({ allEnded: report.allEnded, lost: endings.lost, unfinished: endings.unfinished }).toEqual({
    allEnded: true,
    lost: [],
    unfinished: [],
  });
  const offered = report.stalls.flatMap(({ normal, stalled, recovered }) => [normal, stalled, recovered]);
  expect(endings.accepted).toBe(offered.reduce((sum, phase) => sum + phase.offered, 0));
  expect(endings.fellBack).toBeGreaterThan(0);
  expect(Object.keys(endings.byStatus).sort()).toEqual(['COMPLETED', 'IN_REVIEW']);
  expect(stopped).toBe(true);
});
