import { describe, expect, it } from 'vitest';
import { dueBy } from '../../src/domain/deadlines.ts';
import { PRIORITIES } from '../../src/domain/vocabulary.ts';
import { beforeReviews, lineOf, parse, problemsOf, SOURCE } from './policySource.ts';

describe('a policy that knows nothing of reviews', () => {
  it('has the defaults: nobody supervises, nothing takes two persons, every minute counts, nothing escalates', () => {
    const policy = parse(beforeReviews());
    expect(policy.reviews).toStrictEqual({
      leaseMinutes: 30,
      supervisors: [],
      reasonCodes: {
        APPROVED: ['CONFIRMED'],
        EDITED: ['CORRECTED'],
        REJECTED: ['NOT_JUSTIFIED'],
        INFO_REQUESTED: ['MORE_INFORMATION_NEEDED'],
        OUTCOME_RECORDED: ['CHECKED_WITH_BACKEND'],
      },
      fourEyes: { intents: [], riskAbove: 1 },
    });
    const targets = [...policy.queues, policy.defaultQueue];
    expect(targets.map(({ queue, escalateTo }) => [queue, escalateTo])).toStrictEqual([
      ['security', undefined],
      ['failures', undefined],
      ['operations', undefined],
    ]);
    for (const target of targets) {
      for (const priority of PRIORITIES)
        expect(Date.parse(dueBy(policy, target, priority, '2026-01-03T00:00:00.000Z'))).toBe(
          Date.UTC(2026, 0, 3) + target.dueMinutes * 60_000,
        );
    }
  });
});

describe('the default policy', () => {
  it('has four eyes for risk and for many overrides, and lets supervisors take over', () => {
    const { fourEyes, supervisors, leaseMinutes, businessHours } = parse(SOURCE).reviews;
    expect({ fourEyes, supervisors, leaseMinutes, businessHours }).toStrictEqual({
      fourEyes: { intents: [], riskAbove: 0.6, overridesFrom: 3 },
      supervisors: ['SUPERVISOR'],
      leaseMinutes: 30,
      businessHours: undefined,
    });
  });
  it('shows business hours that can be used as they stand', () => {
    const source = SOURCE.replace(/^ {2}# (?=businessHours:| {2}\w)/gm, '  ');
    expect(parse(source).reviews.businessHours).toStrictEqual({
      timeZone: 'Europe/Berlin',
      days: ['MON', 'TUE', 'WED', 'THU', 'FRI'],
      from: '08:00',
      to: '18:00',
      holidays: ['2026-12-25', '2026-12-26'],
    });
  });
});

describe('the other rules of reviews', () => {
  it.each<[string, string, string, string]>([
    [
      'a supervisor of no role',
      'supervisors: [OPS, BOSS]',
      'supervisors.1',
      'BOSS is not among roles (OPS, SUPERVISOR, AGENT)',
    ],
    [
      'four eyes for an intent that is none',
      'fourEyes: { intents: [RETRY_CALL] }',
      'fourEyes.intents.0',
      'RETRY_CALL is not an intent of the playbook default (RETRY_EXTERNAL_CALL, MANUAL_REVIEW, ESCALATE)',
    ],
    [
      'an intent that every object has',
      'fourEyes: { intents: [CONSTRUCTOR] }',
      'fourEyes.intents.0',
      'CONSTRUCTOR',
    ],
    ['a risk above 1', 'fourEyes: { riskAbove: 60 }', 'fourEyes.riskAbove', '1'],
    ['no override at all', 'fourEyes: { overridesFrom: 0 }', 'fourEyes.overridesFrom', '1'],
    ['no reason to give', 'reasonCodes: { EDITED: [] }', 'reasonCodes.EDITED', '1'],
    ['a reason for nothing', 'reasonCodes: { CLAIMED: [X] }', 'reasonCodes', 'CLAIMED'],
    [
      'a reason in prose',
      'reasonCodes: { APPROVED: [looks fine] }',
      'reasonCodes.APPROVED.0',
      'UPPER_SNAKE_CASE',
    ],
    ['a lease of days', 'leaseMinutes: 1441', 'leaseMinutes', '1440'],
    ['an unknown key', 'lease: 30', '', 'lease'],
  ])('%s is refused, with line and key', (_, line, key, message) => {
    const source = beforeReviews('reviews:', `  ${line}`, '');
    const problems = problemsOf(source);
    expect(problems).toHaveLength(1);
    const path = ['reviews', ...(key === '' ? [] : [key])].join('.');
    expect(problems[0]).toMatchObject({ file: 'policy.yaml', line: lineOf(source, line), path });
    expect(problems[0]?.message).toContain(message);
  });
});
