import { expect, it } from 'vitest';
import { failed, modelSays, succeeded } from '../support/scripted.ts';
import { startService } from './history.ts';
import { verify } from './support.ts';

/** More of them are for measuring: `VERIFY_CASES=3000 vitest run --project postgres test/replay/rate.test.ts`. */
const CASES = Number(process.env.VERIFY_CASES ?? 200);

it('a log that the loop has written for many cases verifies clean, at a rate that is told', async () => {
  let calls = 0;
  const service = await startService({
    model: (_, call) => modelSays({ retryStrategy: 'IMMEDIATE', confidence: call % 4 === 0 ? 0.5 : 0.95 }),
    backend: () => {
      calls += 1;
      return calls % 5 === 0 ? failed : succeeded;
    },
  });
  for (let n = 0; n < CASES; n += 1) {
    await service.open({ caseId: `case${n}` });
    await service.submit({ caseId: `case${n}` });
  }
  const report = await verify(service.outside.store);
  expect(report).toMatchObject({ result: 'CLEAN', cases: CASES, notReplayed: [] });
  expect(report.events).toBeGreaterThan(CASES * 5);
  process.stdout.write(
    `${report.events} events, ${report.verdicts} verdicts: ${report.eventsPerSecond} events a second\n`,
  );
});
