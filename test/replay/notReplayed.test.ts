import { beforeAll, describe, expect, it } from 'vitest';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { uuid } from '../support/builders.ts';
import { eventsOf, history } from './history.ts';
import { changed, placesOf, rechained, storeOf, verify } from './support.ts';
import { at, data, forged, found, withCase } from './tampering.ts';

let log: readonly ReadEvent[];
beforeAll(async () => {
  log = await history();
});

describe('what this version cannot replay is counted and named', () => {
  it('a verdict of an evaluator that it does not know', async () => {
    const evaluator = 'guardrails/99 cel-js/8.0.0 signals/1';
    const report = await verify(storeOf(withCase(log, 'executed', forged(at(3, data({ evaluator }))))));
    expect(report).toMatchObject({
      result: 'INCOMPLETE',
      mismatches: [],
      notReplayed: [
        {
          reason: 'UNKNOWN_EVALUATOR',
          count: 1,
          examples: [{ stream: 'case-executed', caseId: 'executed', revision: 3 }],
        },
      ],
    });
    expect(report.verdicts).toBe((await verify(storeOf(log))).verdicts - 1);
  });

  it('an event of later code, and what stands behind it', async () => {
    const later = at(2, (event) => changed(event, { type: 'DecisionDreamt' }));
    const report = await verify(storeOf(withCase(log, 'executed', forged(later))));
    expect(report).toMatchObject({ result: 'INCOMPLETE', mismatches: [] });
    expect(report.notReplayed.map(({ reason, count }) => [reason, count])).toEqual([
      ['EVENT_OF_LATER_CODE', 1],
      ['BEHIND_WHAT_CANNOT_BE_FOLDED', 3],
    ]);
  });

  it('a stream of later code, whose chain is verified all the same', async () => {
    const [event] = eventsOf(log, 'executed');
    if (!event) throw new Error('no event');
    const [other] = rechained([{ ...event, stream: 'dreams', id: uuid(9_997), position: 100_000n }]);
    if (!other) throw new Error('no event');
    expect(await verify(storeOf([...log, other]))).toMatchObject({
      result: 'INCOMPLETE',
      notReplayed: [{ reason: 'STREAM_OF_LATER_CODE', count: 1 }],
    });
    const broken = { ...other, data: '{}' };
    expect(await found([...log, broken])).toEqual(['CHAIN dreams/0']);
  });
});

describe('log and streams', () => {
  const [note] = [() => eventsOf(log, 'C1001')[6]];
  it('that do not hold the same are found, with what is in only one of them', async () => {
    const others = log.filter((event) => event !== note());
    expect(placesOf(await verify(storeOf(others, log)))).toEqual(['GAP case-C1001/6']);
    expect(placesOf(await verify(storeOf(log, others)))).toEqual([
      'CHAIN case-C1001/7',
      'REVISION case-C1001/7',
      'GAP case-C1001/6',
    ]);
  });
  it('are looked at up to where the log ended: what is appended meanwhile does not matter', async () => {
    const { lastPosition, ...store } = storeOf(log);
    for (let end = 4n; end < BigInt(log.length); end += 1n) {
      const report = await verify({ ...store, lastPosition: async () => end });
      expect(report).toMatchObject({ result: 'CLEAN', upTo: String(end), events: Number(end) });
    }
  });
  it('a log that is not read in the order of its positions', async () => {
    const { readAll, ...store } = storeOf(log);
    const [first, second, ...others] = log;
    if (!first || !second) throw new Error('no events');
    const page = [second, first, ...others];
    const report = await verify({ ...store, readAll: async (after) => (after === null ? page : []) });
    expect(placesOf(report)).toEqual(['GAP log/0', `POSITION ${first.stream}/0`]);
  });
  it('streams that hold what does not belong there', async () => {
    const [name, last] = [log.find(({ stream }) => stream === 'log'), eventsOf(log, 'C1001').at(-1)];
    if (!name || !last) throw new Error('no events');
    const others = log.filter((event) => event !== name);
    const twice = rechained([name, { ...name, id: uuid(9_996), position: 100_000n }]);
    expect(await found([...others, ...twice])).toEqual(['LEGALITY log/1']);
    const foreign = { ...last, stream: 'automation', id: uuid(9_995) };
    const automation = log.filter(({ stream }) => stream === 'automation');
    const mixed = rechained([...automation, { ...foreign, position: 100_000n }]);
    expect(await found([...log.filter((event) => !automation.includes(event)), ...mixed])).toEqual([
      `LEGALITY automation/${automation.length}`,
    ]);
  });
  it('a log that does not begin with its name', async () => {
    expect(await found(log.filter(({ stream }) => stream !== 'log'))).toEqual(['GAP log/0']);
  });
});

describe('policies and playbooks', () => {
  const isPolicy = ({ stream }: ReadEvent): boolean => stream.startsWith('policy-');
  const verdicts = () => log.filter(({ type }) => type === 'GuardrailEvaluated');
  const placesOfVerdicts = () => verdicts().map(({ stream, revision }) => `SOURCE ${stream}/${revision}`);

  it('whose text was changed are found, and their verdicts are not evaluated under it', async () => {
    const weaker = log.flatMap((event) => {
      if (!isPolicy(event)) return [event];
      const { source } = JSON.parse(event.data);
      return rechained([changed(event, { data: { source: source.replace('0.80', '0.10') } })]);
    });
    const report = await verify(storeOf(weaker));
    expect(placesOf(report)).toEqual([`SOURCE ${log.find(isPolicy)?.stream}/0`]);
    expect(report).toMatchObject({
      verdicts: 0,
      notReplayed: [{ reason: 'SOURCE_UNREADABLE', count: verdicts().length }],
    });
  });
  it('that are not in the log are an alarm at every verdict', async () => {
    const report = await verify(storeOf(log.filter((event) => !isPolicy(event))));
    expect(placesOf(report)).toEqual(placesOfVerdicts());
    expect(report.notReplayed).toMatchObject([{ reason: 'SOURCE_MISSING', count: verdicts().length }]);
  });
  it('that entered the log after their use are an alarm', async () => {
    const late = log.map((event) => (isPolicy(event) ? { ...event, position: 100_000n } : event));
    expect(await found(late)).toEqual(placesOfVerdicts());
  });
});
