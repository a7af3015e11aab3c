import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVALUATOR_VERSION, evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson, sha256Hex } from '../../src/domain/hash.ts';
import { readSignals, SIGNALS_VERSION } from '../../src/domain/signals.ts';
import { facts, policy } from '../support/builders.ts';

const FILES = [
  'signals-development.jsonl',
  'signals-heldout.jsonl',
  'signals-unseen.jsonl',
  'task-texts.jsonl',
];

/** What this version of the signals says of all texts; to be pinned anew together, never one alone. */
const PINNED = {
  version: '1',
  texts: 'a026c2ea92dc541db894865e13e26e275c6a9a3fbe19c15d1a8b0fb60e0ccf83',
  signals: 'aa2938f29d0889484df054fa7d81e2e0c8fc39d71ac2f289b05c2f3d2e1197a0',
};

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const texts = FILES.flatMap((file) =>
  read(`test/data/${file}`)
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly text: string }).text),
);
const digest = (value: unknown): string => sha256Hex(canonicalJson(value));

describe('the version of the evaluator', () => {
  it('names the CEL library that is installed', () => {
    const { version } = JSON.parse(read('node_modules/@marcbachmann/cel-js/package.json'));
    expect(EVALUATOR_VERSION.split(' ')).toContainEqual(`cel-js/${version}`);
  });

  it('says which of the domain’s own rules a recorded verdict was made under: it is computed again without later ones', () => {
    const paused = facts({ automation: { paused: true } });
    const by = (evaluator?: string) => evaluateGuardrails(policy, paused, [], evaluator);
    const names = (evaluator?: string) => by(evaluator).guardrails.map(({ name }) => name);
    const first = 'guardrails/1 cel-js/8.0.0 signals/1';
    expect(names()).toStrictEqual(policy.guardrails.map(({ name }) => name));
    expect(names(first)).toStrictEqual(names().filter((name) => name !== 'automation-running'));
    expect([by(first).verdict, by(EVALUATOR_VERSION).verdict]).toStrictEqual(['EXECUTE', 'ROUTE_TO_MANUAL']);
    expect(by(EVALUATOR_VERSION)).toStrictEqual(by());
  });

  it('names the signals, whose answers do not change under one version', () => {
    expect(EVALUATOR_VERSION.split(' ')).toContainEqual(`signals/${SIGNALS_VERSION}`);
    expect(
      digest(texts),
      'the texts themselves have changed: pin them anew, before any change of the signals',
    ).toBe(PINNED.texts);
    expect(
      { version: SIGNALS_VERSION, signals: digest(texts.map(readSignals)) },
      'the signals say something else of these texts: raise SIGNALS_VERSION in src/domain/signals.ts when this changes, ' +
        'and pin the new version with its digest here',
    ).toEqual({ version: PINNED.version, signals: PINNED.signals });
  });
});
