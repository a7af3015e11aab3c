import { expect, it } from 'vitest';
import { execute } from '../../src/commands/effects.ts';
import { emptyCase } from '../../src/domain/case.ts';
import type { CaseVault } from '../../src/vault/vault.ts';
import { playbook, started } from '../support/builders.ts';
import { createFakeClock } from '../support/clock.ts';
import { recordingObserver, scriptedBackend, scriptedRecommender, succeeded } from '../support/scripted.ts';

it('a personal attribute that does not open means that surely nothing was sent', async () => {
  const backend = scriptedBackend('PARTNER_API', () => succeeded);
  const deps = {
    recommender: scriptedRecommender(() => {
      throw new Error('not asked');
    }),
    backends: new Map([['PARTNER_API', backend]]),
    playbook,
    observer: recordingObserver(),
    clock: createFakeClock(),
    shutdown: new AbortController().signal,
  };
  const current = {
    ...emptyCase('C1001'),
    opened: {
      at: '2026-01-01T00:00:00.000Z',
      contentHash: '',
      priority: 'MEDIUM' as const,
      attributes: { policyNumber: '4711' },
      personalAttributes: { name: { sealed: 'v1.changed' } },
    },
  };
  const vault: CaseVault = {
    seal: () => ({ sealed: '' }),
    open: () => null,
    hash: () => '',
  };
  const { data } = await execute(deps, current, started().data, 6_000, vault);
  expect(data).toMatchObject({ result: 'FAILED', errorType: 'ATTRIBUTES_UNREADABLE' });
  expect(backend.calls).toStrictEqual([]);
});
