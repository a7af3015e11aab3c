import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVALUATOR_VERSION } from '../../src/domain/guardrails.ts';
import { canonicalJson, sha256Hex } from '../../src/domain/hash.ts';
import { readSignals, SIGNALS_VERSION } from '../../src/domain/signals.ts';

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
