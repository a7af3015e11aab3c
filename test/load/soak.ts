import { parseArgs } from 'node:util';
import { startOutside } from './outside.ts';
import { criteriaTable } from './report.ts';
import { startLoadedService } from './service.ts';
import { judgeSoak } from './soakJudgement.ts';
import { soakTables } from './soakReport.ts';
import { runSoak, type SoakReport } from './soakRun.ts';

/**
 * `npm run soak -- [--minutes 10] [--rate N]`: the real service under N new tasks a second (without it: half of what it carries) and
 * everything else that is done to it, with a model and a backend that fail now and then. Exits 1 unless every criterion is met.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes >= 0.2 && minutes <= 1_440)) throw new Error('--minutes must be a number from 0.2 to 1440');
const rate = values.rate === undefined ? null : Number(values.rate);
if (rate !== null && !(rate > 0 && rate <= 10_000)) {
  throw new Error('--rate must be a number above 0, at most 10000');
}

const write = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const outside = await startOutside();
const service = await startLoadedService({ outside, modelTimeoutMs: 8_000, backendTimeoutMs: 2_000 });
let report: SoakReport;
let complaints: readonly string[];
let stopped = false;
try {
  report = await runSoak(
    service,
    outside,
    {
      milliseconds: minutes * 60_000,
      perSecond: rate ?? { calibrateMs: Math.min(20_000, minutes * 10_000) },
      sampleEveryMs: 2_000,
      drainMs: 120_000,
    },
    write,
  );
  // Before the stop, whose own noise is not about load.
  complaints = service.complaints().slice();
} finally {
  stopped = await service.stop();
  await outside.stop();
}
const criteria = judgeSoak(report);
write(soakTables(report, complaints));
write('');
write(criteriaTable(criteria));
process.exitCode = stopped && criteria.every(({ met }) => met) ? 0 : 1;
