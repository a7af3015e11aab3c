import { expect, it } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { configText, playbook } from '../support/builders.ts';
import { createOutside, startProcess } from '../support/world.ts';

/** The default policy, which has forgotten a channel or a role. */
function forgetful(...changes: readonly (readonly [string, string])[]) {
  const source = changes.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, configText('policy.yaml'));
  return parsePolicy(source, 'policy.yaml', playbook);
}

it.each([
  ['channel', [['channels: [SYSTEM, ', 'channels: [']]],
  ['role', [['roles: [OPS, SUPERVISOR', 'roles: [SUPERVISOR']]],
] as const)('a recorded task keeps its answer when the policy no longer knows its %s', async (_, changes) => {
  const outside = createOutside();
  const first = startProcess({}, outside);
  await first.open();
  const { task } = await first.clock.runUntil(first.submit());
  const second = startProcess({ policy: forgetful(...changes) }, outside);
  const again = await second.clock.runUntil(second.submit());
  expect(again).toMatchObject({ replayed: true, task: { taskId: task.taskId, outcome: 'AUTO_SUCCESS' } });
  expect([second.recommender.calls, second.partner.calls]).toStrictEqual([[], []]);
  await expect(second.submit({ sentKey: 'anew' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});
