import { describe, expect, it } from 'vitest';
import { changed, lineOf, parse, problemsOf, SOURCE } from './policySource.ts';

/** Each entry of a list on a line of its own, so that a line tells which one is meant. */
const queues = (...entries: readonly string[]): string =>
  SOURCE.replace(/^queues:\n[\s\S]*?(?=^# How people)/m, `${entries.join('\n')}\n`);
const ENTRY = '{ queue: a, dueMinutes: 5, codes: [ACTION_FAILED]';
const OTHER = '{ queue: b, dueMinutes: 5, codes: [TEXT_NEGATED]';
describe('where tasks go on waiting', () => {
  const source = (...entries: readonly string[]) =>
    queues(
      'queues:',
      ...entries.map((entry) => `  - ${entry} }`),
      'defaultQueue: { queue: rest, dueMinutes: 5 }',
    );
  it.each<[string, readonly string[]]>([
    ['one after the other, to the default queue', [`${ENTRY}, escalateTo: b`, `${OTHER}, escalateTo: rest`]],
    [
      'from two queues to one without codes',
      [`${ENTRY}, escalateTo: c`, `${OTHER}, escalateTo: c`, '{ queue: c, dueMinutes: 5'],
    ],
    [
      'from two entries of one queue',
      [
        `${ENTRY}, escalateTo: b`,
        `${OTHER.replace('b', 'a')}, escalateTo: b`,
        OTHER.replace('NEGATED', 'UNCERTAIN'),
      ],
    ],
    ['nowhere, from two entries of one queue', [ENTRY, OTHER.replace('queue: b', 'queue: a')]],
  ])('may be %s', (_, entries) => {
    expect(parse(source(...entries)).queues).toHaveLength(entries.length);
  });
  it.each<[string, readonly string[], string, string, string]>([
    [
      'a queue that is none',
      [`${ENTRY}, escalateTo: nowhere`],
      'nowhere',
      'queues.0.escalateTo',
      'nowhere is not a queue of this policy (a, rest); give it an entry under queues',
    ],
    [
      'itself',
      [ENTRY, `${OTHER}, escalateTo: b`],
      'escalateTo: b',
      'queues.1.escalateTo',
      'goes in a circle: b -> b; leave one of these escalateTo out',
    ],
    [
      'a circle, told once',
      [`${ENTRY}, escalateTo: b`, `${OTHER}, escalateTo: c`, '{ queue: c, dueMinutes: 5, escalateTo: b'],
      'escalateTo: c',
      'queues.1.escalateTo',
      'goes in a circle: b -> c -> b; leave one of these escalateTo out',
    ],
    [
      'two queues from one',
      [
        `${ENTRY}, escalateTo: b`,
        OTHER,
        '{ queue: a, dueMinutes: 5, codes: [TEXT_UNCERTAIN], escalateTo: rest',
      ],
      'escalateTo: rest',
      'queues.2.escalateTo',
      'must be the same in every entry of the queue a, whose first one says b',
    ],
    [
      'a queue from one entry and none from another',
      [ENTRY, '{ queue: a, dueMinutes: 5, codes: [TEXT_UNCERTAIN], escalateTo: rest'],
      'escalateTo: rest',
      'queues.1.escalateTo',
      'must be the same in every entry of the queue a, whose first one names none',
    ],
    [
      'a queue that nothing leads to',
      [ENTRY, '{ queue: lonely, dueMinutes: 5'],
      'lonely',
      'queues.1.codes',
      "nothing leads to the queue lonely: list codes, or name it in another queue's escalateTo",
    ],
    [
      'an empty list of codes',
      [ENTRY, '{ queue: lonely, dueMinutes: 5, codes: []'],
      'lonely',
      'queues.1.codes',
      'nothing leads to the queue lonely',
    ],
    [
      'an entry that comes too late to be found',
      [`${ENTRY}, escalateTo: b`, OTHER, '{ queue: b, dueMinutes: 90'],
      'dueMinutes: 90',
      'queues.2.codes',
      'may be left out only where the queue b has one entry; list codes, or remove one',
    ],
    [
      'another priority',
      [`${ENTRY}, dueMinutesByPriority: { URGENT: 5 }`],
      'URGENT',
      'queues.0.dueMinutesByPriority',
      'key',
    ],
    [
      'a deadline of 0',
      [`${ENTRY}, dueMinutesByPriority: { HIGH: 0 }`],
      'HIGH: 0',
      'queues.0.dueMinutesByPriority.HIGH',
      '1',
    ],
  ])('%s is refused, with line and key', (_, entries, at, path, message) => {
    const text = source(...entries);
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: 'policy.yaml', line: lineOf(text, at), path });
    expect(problems[0]?.message).toContain(message);
  });
  it('the default queue is held to the same', () => {
    const text = changed('  escalateTo: supervisors\n\n', '  escalateTo: superiors\n\n');
    expect(problemsOf(text)).toMatchObject([
      { line: lineOf(text, 'superiors'), path: 'defaultQueue.escalateTo' },
    ]);
    const agreeing = changed('queue: operations', 'queue: failures').replace(
      / {2}escalateTo: supervisors\n\n/,
      '\n',
    );
    expect(problemsOf(agreeing)).toMatchObject([
      { line: lineOf(agreeing, 'defaultQueue:'), path: 'defaultQueue.escalateTo' },
    ]);
  });
});
