import { readFile } from 'node:fs/promises';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import type { HistorySources } from './engine.ts';

/**
 * The default playbook with backends of which some calls fail, and the default policy: first a little stricter than it is, then as it is, with
 * the stricter one as its shadow.
 * Failed attempts are tried again at once, so that a history is made in minutes.
 */
export async function readHistorySources(): Promise<readonly HistorySources[]> {
  const playbookText = (await readConfig('playbook.yaml')).replaceAll('failureRate: 0', 'failureRate: 0.06');
  const policyText = (await readConfig('policy.yaml')).replace(
    'firstPauseSeconds: 2',
    'firstPauseSeconds: 0.1',
  );
  const playbook = parsePlaybook(playbookText, 'playbook');
  const stricter = policyText.replace('minConfidence: 0.80', 'minConfidence: 0.90').replace('"2"', '"1.9"');
  const [before, after] = [stricter, policyText].map((text) => parsePolicy(text, 'policy', playbook));
  if (!before || !after) throw new Error('there are two policies');
  return [
    { playbook, policy: before, shadow: null },
    { playbook, policy: after, shadow: before },
  ];
}

const readConfig = (file: string): Promise<string> =>
  readFile(new URL(`../../config/${file}`, import.meta.url), 'utf8');
