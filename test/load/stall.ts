import { parseArgs } from 'node:util';
import { startOutside } from './outside.ts';
import { criteriaTable, stallTables } from './report.ts';
import { startLoadedService } from './service.ts';
import { judge } from './stallJudgement.ts';
import { runStalls, type StallReport } from './stallRun.ts';

/**
 * `npm run test:stall -- [--seconds 60]`: the real service under steady load while first the model and then the backend accepts
 * everything and answers nothing for so many seconds; half of that time goes before and after. Exits 1 unless every criterion is met.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 2 && seconds <= 3_600)) throw new Error('--seconds must be a number from 2 to 3600');

const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const outside = await startOutside();
const service = await startLoadedService({ outside, modelTimeoutMs: 8_000, backendTimeoutMs: 5_000 });
let report: StallReport;
let complaints: readonly string[];
let stopped = false;
try {
  report = await runStalls(
    service,
    outside,
    {
      perSecond: { calibrateMs: Math.min(20_000, seconds * 500) },
      casesInUse: 200,
      normalMs: seconds * 500,
      stallMs: seconds * 1_000,
      recoveredMs: seconds * 500,
      // The longest pause of a retry that was scheduled again and again throughout the stall is as long as the stall.
      drainMs: seconds * 2_000 + 60_000,
      sampleEveryMs: 1_000,
      stalls: ['model', 'backend'],
    },
    write,
  );
  // Before the stop, whose own noise is not about load.
  complaints = service.complaints().slice();
} finally {
  stopped = await service.stop();
  await outside.stop();
}
const criteria = judge(report);
write(stallTables(report, complaints));
write(criteriaTable(criteria));
process.exitCode = stopped && criteria.every(({ met }) => met) ? 0 : 1;
