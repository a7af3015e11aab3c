import { describe, expect, it } from 'vitest';
import type { CaseEvent, GuardrailEvaluated } from '../../src/domain/events.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { shadowVerdict } from '../../src/domain/shadow.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';
import {
  evaluated,
  executed,
  facts,
  permitted,
  playbook,
  received,
  recommended,
  retryScheduled,
  routed,
  started,
} from '../support/builders.ts';
import { approvedBy } from '../support/reviewBuilders.ts';
import { EXECUTING_TEXT, REFUSING_TEXT, shadowPolicy } from '../support/shadows.ts';
import { rowAfter } from './foldRows.ts';

const executing = shadowPolicy(EXECUTING_TEXT);
const refusing = shadowPolicy(REFUSING_TEXT);

const beside = (shadow: Policy, event: CaseEvent): CaseEvent => {
  const { data } = event as GuardrailEvaluated;
  const overrides = data.authority.kind === 'reviewer' ? data.authority.overrides : [];
  const said = shadowVerdict(shadow, playbook, data.facts, overrides);
  return { type: 'GuardrailEvaluated', data: { ...data, shadow: said } };
};
const received1 = [received(), recommended()];
const refused = evaluated(1, facts({ decision: { confidence: 0.1 } }));
const retried = [started(), executed('FAILED'), retryScheduled()];

const told = (...events: readonly CaseEvent[]) => {
  const row = rowAfter(tasksProjection, ...received1, ...events);
  return [row?.shadow_policy ?? null, row?.shadow_difference ?? null];
};

describe('what the row of a task tells of a shadow policy', () => {
  it('is nothing where none was loaded', () => {
    expect(told(permitted(), started())).toEqual([null, null]);
  });
  it('is in which direction it differs', () => {
    expect(told(beside(refusing, permitted()), started())).toEqual([refusing.hash, 'WOULD_ROUTE']);
    expect(told(beside(executing, permitted()), started())).toEqual([executing.hash, 'NONE']);
    expect(told(beside(executing, refused), routed(1, ['CONFIDENCE_TOO_LOW']))).toEqual([
      executing.hash,
      'WOULD_EXECUTE',
    ]);
  });
  it('stays the most dangerous difference, whatever follows', () => {
    const first = beside(executing, refused);
    const approved = approvedBy('ann').map((event) =>
      event.type === 'GuardrailEvaluated' ? beside(executing, event) : event,
    );
    expect(told(first, routed(1, ['CONFIDENCE_TOO_LOW']), ...approved)).toEqual([
      executing.hash,
      'WOULD_EXECUTE',
    ]);
  });
  it('is that the word of a reviewer would have been refused', () => {
    const approved = approvedBy('ann').map((event) =>
      event.type === 'GuardrailEvaluated' ? beside(refusing, event) : event,
    );
    const first = beside(refusing, refused);
    expect(told(first, routed(1, ['CONFIDENCE_TOO_LOW']))).toEqual([refusing.hash, 'NONE']);
    expect(told(first, routed(1, ['CONFIDENCE_TOO_LOW']), ...approved)).toEqual([
      refusing.hash,
      'WOULD_REFUSE',
    ]);
  });
  it('begins anew with another shadow policy, and outlives a time without one', () => {
    const [one, two] = [beside(refusing, permitted()), permitted(1, 2)];
    expect(told(one, ...retried, two)).toEqual([refusing.hash, 'WOULD_ROUTE']);
    expect(told(one, ...retried, beside(executing, two))).toEqual([executing.hash, 'NONE']);
  });
});
