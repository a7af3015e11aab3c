import { describe, expect, it } from 'vitest';
import { createSources } from '../../src/commands/sources.ts';
import type { Actor } from '../../src/domain/events.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { playbookStream, policyStream } from '../../src/domain/identifiers.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { identifyLog } from '../../src/eventstore/identity.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { AT, configText, evaluated, facts, later, playbook, policy, uuid } from '../support/builders.ts';
import { createOutside } from '../support/world.ts';

const LOG_IDS = [
  '0d2f6b7e-0a53-4a5e-9c41-8c2a8a1f5b11',
  '0d2f6b7e-0a53-4a5e-9c41-8c2a8a1f5b12',
  '0d2f6b7e-0a53-4a5e-9c41-8c2a8a1f5b13',
];
const actor: Actor = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };

function createLog() {
  const { store, newId } = createOutside();
  const log = createEventLog(store, newId);
  return {
    store,
    log,
    sources: createSources(log),
    types: async () => (await store.readAll(null, 100)).map((e) => e.type),
  };
}

describe('policies and playbooks', () => {
  it('are in the log once, however often and at once they are registered', async () => {
    const { log, sources, types } = createLog();
    const others = createSources(log);
    await Promise.all(
      [sources, others, sources].map((each) => each.register({ policy, shadow: null, playbook }, AT)),
    );
    await sources.register({ policy, shadow: null, playbook }, later(5));
    expect((await types()).sort()).toStrictEqual(['PlaybookRegistered', 'PolicyRegistered']);
    expect(await sources.policy(policy.hash)).toStrictEqual({
      hash: policy.hash,
      name: 'default',
      version: '2',
      source: configText('policy.yaml'),
      registeredAt: AT,
    });
    expect(await sources.playbook(playbook.hash)).toMatchObject({ source: configText('playbook.yaml') });
  });
  it('stand in streams of their own hash', async () => {
    const { log, sources } = createLog();
    await sources.register({ policy, shadow: null, playbook }, AT);
    expect(await log.read(policyStream(policy.hash))).toHaveLength(1);
    expect(await log.read(playbookStream(playbook.hash))).toHaveLength(1);
  });
  it('stay beside those that come later', async () => {
    const { sources } = createLog();
    const stricter = parsePolicy(policy.source.replace('0.80', '0.90'), 'policy.yaml', playbook);
    await sources.register({ policy, shadow: null, playbook }, AT);
    await sources.register({ policy: stricter, shadow: null, playbook }, later(1));
    expect(await sources.policy(policy.hash)).toMatchObject({ source: policy.source });
    expect(await sources.policy(stricter.hash)).toMatchObject({ registeredAt: later(1) });
  });
  it('hold a shadow policy too, once, also where it is the policy in force', async () => {
    const { sources, types } = createLog();
    const shadow = parsePolicy(policy.source.replace('0.80', '0.70'), 'policy.yaml', playbook);
    await sources.register({ policy, shadow, playbook }, AT);
    await sources.register({ policy: shadow, shadow, playbook }, later(1));
    expect(await types()).toStrictEqual(['PlaybookRegistered', 'PolicyRegistered', 'PolicyRegistered']);
    expect(await sources.policy(shadow.hash)).toMatchObject({ source: shadow.source, registeredAt: AT });
  });
  it('compile from the log to what judges alike', async () => {
    const { sources } = createLog();
    await sources.register({ policy, shadow: null, playbook }, AT);
    const compiled = await sources.compiled(policy.hash, playbook.hash);
    expect(compiled?.hash).toBe(policy.hash);
    expect(await sources.compiled(policy.hash, playbook.hash)).toBe(compiled);
    const over = facts({ decision: { confidence: 0.5 } });
    const { verdict, guardrails } = evaluated(1, over).data;
    expect(compiled && evaluateGuardrails(compiled, over)).toStrictEqual({ verdict, guardrails });
  });
  it('are not there before they are', async () => {
    const { sources } = createLog();
    expect(await sources.policy(policy.hash)).toBeNull();
    expect(await sources.compiled(policy.hash, playbook.hash)).toBeNull();
    await sources.register({ policy, shadow: null, playbook }, AT);
    expect(await sources.compiled(policy.hash, 'f'.repeat(64))).toBeNull();
    expect(await sources.compiled(policy.hash, playbook.hash)).not.toBeNull();
  });
});

describe('the log', () => {
  it('has one id, whoever of many comes first', async () => {
    const { log, types } = createLog();
    const ids = await Promise.all(LOG_IDS.map((id) => identifyLog(log, actor, id, AT)));
    expect(new Set(ids).size).toBe(1);
    expect(LOG_IDS).toContain(ids[0]);
    expect(await types()).toStrictEqual(['LogCreated']);
  });
  it('keeps its id', async () => {
    const { log, types } = createLog();
    const first = await identifyLog(log, actor, LOG_IDS[0] ?? '', AT);
    expect(await identifyLog(log, actor, LOG_IDS[1] ?? '', later(9))).toBe(first);
    expect(await types()).toHaveLength(1);
  });
  it('that begins with something else is refused', async () => {
    const { log } = createLog();
    const context = { actor, correlationId: null, causationId: null, traceparent: null, now: AT };
    const stray = { type: 'TaskCancelled', data: { taskId: uuid(1), reason: 'x' } } as const;
    await log.append('log', { revision: -1, hash: null, recordedAt: null }, [stray], context);
    await expect(identifyLog(log, actor, LOG_IDS[0] ?? '', AT)).rejects.toThrow(/TaskCancelled/);
  });
});
