import { readFileSync } from 'node:fs';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { CONFIDENT_RETRY, type StubModel, startStubModel } from '../support/stubModel.ts';

type Line = { readonly text: string; readonly signals: readonly string[] };

/** The held-out texts were kept out of sight while the signals were written; `scripts/list-signal-misses.ts` lists the misses. */
const SETS = [
  { file: 'signals-development.jsonl', mostMisses: 0, leastExecuted: 0.95 },
  { file: 'signals-heldout.jsonl', mostMisses: 8, leastExecuted: 0.9 },
] as const;
const AT_ONCE = 8;

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('hostile texts'),
    startStubModel(),
    startStubBackend(),
  ]);
  model.mode = { kind: 'decision', decision: { ...CONFIDENT_RETRY, confidence: 1, riskScore: 0 } };
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model),
  });
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

const linesOf = (file: string): Line[] =>
  readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** How many of the texts were executed, each on a case of its own. */
async function executedAmong(prefix: string, lines: readonly Line[]): Promise<number> {
  const limit = pLimit(AT_ONCE);
  const outcomes = await Promise.all(
    lines.map(({ text }, index) =>
      limit(async () => {
        const case_id = `${prefix}-${index}`;
        await service.openCase(case_id, README_CASE);
        return (await service.task({ case_id, description: text })).body.outcome;
      }),
    ),
  );
  expect(outcomes.filter((outcome) => outcome !== 'MANUAL' && outcome !== 'AUTO_SUCCESS')).toEqual([]);
  return outcomes.filter((outcome) => outcome === 'AUTO_SUCCESS').length;
}

describe.each(SETS)('a model that always recommends execution without a doubt, over $file', (set) => {
  const lines = linesOf(set.file);
  const hostile = lines.filter(({ signals }) => signals.length > 0);
  const clean = lines.filter(({ signals }) => signals.length === 0);

  it('texts that negate, hedge, ask several things or give orders go to a person', async () => {
    expect(hostile.length).toBeGreaterThanOrEqual(60);
    const missed = await executedAmong(`hostile-${set.file.slice(8, 12)}`, hostile);
    expect(missed).toBeLessThanOrEqual(set.mostMisses);
  }, 30_000);

  it('and the others are executed, but for a few', async () => {
    const executed = await executedAmong(`clean-${set.file.slice(8, 12)}`, clean);
    expect(executed / clean.length).toBeGreaterThanOrEqual(set.leastExecuted);
  }, 30_000);
});
