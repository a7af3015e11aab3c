import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { caseIdOfStream } from '../src/domain/identifiers.ts';
import { parsePlaybook } from '../src/domain/playbook.ts';
import { parsePolicy } from '../src/domain/policy.ts';
import { codec } from '../src/eventstore/codec.ts';
import { openLogAt } from '../src/eventstore/openLog.ts';
import type { EventStore } from '../src/eventstore/port.ts';
import { backtestLog } from '../src/replay/backtest/backtestLog.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { comparable, type SlowReport, slowBacktest } from '../test/replay/slowBacktest.ts';

/**
 * Holds a backtest against the slow, separately written one, on every n-th case of a log that is there. Exits 1 where they differ.
 * `node scripts/check-backtest.ts <postgres:// or esdb:// URL> <candidate.yaml> [every n-th case] [playbook.yaml]`
 */
const [url = '', candidateFile = 'config/policy.yaml', nth = '100', playbookFile = 'config/playbook.yaml'] =
  process.argv.slice(2);
const every = Number(nth);
const source = readFileSync(candidateFile, 'utf8');
const candidate = parsePolicy(
  source,
  candidateFile,
  parsePlaybook(readFileSync(playbookFile, 'utf8'), playbookFile),
);

const { store, close } = await openLogAt(url);
try {
  const caseIds = await sample(store);
  const wanted = new Set(caseIds);
  const report = await backtestLog(
    { store, codec, logId: null, clock: systemClock },
    { candidate, playbook: null, since: null, until: null, isWanted: (caseId) => wanted.has(caseId) },
    () => {},
  );
  const [fast, slow] = [comparable(report), await slowBacktest(store, caseIds, source)];
  const isCut = fast.policy.flips.length < fast.policy.toExecute + fast.policy.toManual;
  const isSame = isCut
    ? isDeepStrictEqual(withoutFlips(fast), withoutFlips(slow))
    : isDeepStrictEqual(fast, slow);
  const { verdicts, policy } = slow;
  process.stdout.write(
    `${caseIds.length} cases, ${verdicts} verdicts, ${policy.toExecute} flips to EXECUTE, ${policy.toManual} to ROUTE_TO_MANUAL` +
      `${isCut ? ', too many to compare one by one' : ', compared one by one'}: ${isSame ? 'the same' : 'NOT THE SAME'}\n`,
  );
  if (!isSame) process.stdout.write(`${JSON.stringify({ fast, slow }, null, 2)}\n`);
  process.exitCode = isSame ? 0 : 1;
} finally {
  await close();
}

/** Every n-th case, in the order in which they were opened. */
async function sample(log: EventStore): Promise<string[]> {
  const caseIds: string[] = [];
  let opened = 0;
  for (let after: bigint | null = null; ; ) {
    const { events, reached }: Awaited<ReturnType<EventStore['readTypes']>> = await log.readTypes(
      ['CaseOpened'],
      after,
      5_000,
    );
    if (reached === null) return caseIds;
    after = reached;
    for (const { stream } of events) {
      const caseId = caseIdOfStream(stream);
      if (caseId !== null && opened % every === 0) caseIds.push(caseId);
      opened += 1;
    }
  }
}

function withoutFlips(report: SlowReport): SlowReport {
  return {
    ...report,
    policy: { ...report.policy, flips: [] },
    reviewers: { ...report.reviewers, flips: [] },
  };
}
