import { caseIdOfTask, caseStream } from '../domain/identifiers.ts';
import type { Projection } from '../projections/projection.ts';
import type { ReadKeys } from '../projections/rowKeys.ts';
import { isMadeByLog, type RowCheckDependencies } from './readModels.ts';
import { bucketOf, createTally, differingBuckets, type Tally } from './tally.ts';

const PAGE = 1_000;

/**
 * Finds rows that no event of the log makes: the keys of each table are added up and held against those that the log makes; only where
 * they differ, keys are looked at one by one. Those of rows that came meanwhile are in the log by then.
 *
 * @param expected keys that the log makes
 */
export async function findExtraRows(
  deps: Pick<RowCheckDependencies, 'store' | 'codec' | 'findings'>,
  readKeys: ReadKeys,
  expected: ReadonlyMap<Projection, Tally>,
): Promise<void> {
  for (const [projection, made] of expected) {
    const there = createTally();
    await eachKey(projection, readKeys, async (key) => there.add(key, key));
    const buckets = differingBuckets(made, there);
    if (buckets.size === 0) continue;
    await eachKey(projection, readKeys, async (key) => {
      if (buckets.has(bucketOf(key))) await lookAt(deps, projection, key);
    });
  }
}

async function lookAt(
  deps: Pick<RowCheckDependencies, 'store' | 'codec' | 'findings'>,
  projection: Projection,
  key: string,
): Promise<void> {
  const caseId = projection.key === 'case_id' ? key : caseIdOfTask(key);
  if (caseId !== null && (await isMadeByLog(deps, projection, caseId, key))) return;
  const { table } = projection;
  const spot = { stream: caseId === null ? '' : caseStream(caseId), revision: null };
  deps.findings.mismatch('ROW', spot, 'no event makes this row', { table, key, column: null });
}

async function eachKey(
  projection: Projection,
  readKeys: ReadKeys,
  work: (key: string) => Promise<void>,
): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const keys: string[] = await readKeys(projection, after, PAGE);
    for (const key of keys) await work(key);
    after = keys.at(-1) ?? null;
    if (keys.length < PAGE) return;
  }
}
