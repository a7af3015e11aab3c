import { expect, it } from 'vitest';
import { banner } from '../src/banner.ts';
import { readConfig } from '../src/config.ts';
import type { Policy } from '../src/domain/policy.ts';
import { playbook, policy } from './support/builders.ts';
import { scriptedRecommender } from './support/scripted.ts';

const told = (environment: Record<string, string>, shadow: Policy | null = null): string =>
  banner(
    readConfig(environment),
    {
      url: 'http://127.0.0.1:3000',
      description: 'a store',
      logId: 'a log',
      seals: 'none',
      backends: new Map(),
      recommender: scriptedRecommender(() => {
        throw new Error('nobody is asked');
      }),
    },
    { description: 'a store' },
    { policy, shadow, playbook },
    { pauses: [] },
  );

it('what to try works as it stands, with authentication and without', () => {
  expect(told({})).toMatch(/Try:\n {2}curl -s http:\/\/127\.0\.0\.1:3000\/case-task -H 'content-type/);
  expect(told({ AUTHENTICATION: 'keys' })).toMatch(
    /Try:\n {2}KEY=\$\(npm run -s keys -- create .*\)\n {2}curl -s \S+\/case-task -H "Authorization: Bearer \$KEY"/,
  );
});

it('names the shadow policy where there is one, and says that it decides nothing', () => {
  expect(told({})).not.toContain('shadow');
  expect(told({ SHADOW_POLICY: 'next.yaml' }, policy)).toContain(
    `\n  shadow       default ${policy.version}, next.yaml, sha256 ${policy.hash}; never acted on\n`,
  );
});
