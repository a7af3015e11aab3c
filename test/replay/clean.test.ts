import { describe, expect, it } from 'vitest';
import { createKurrentDbEventStore } from '../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import { startProtocolTestServer } from '../support/kurrentdb/server.ts';
import { history } from './history.ts';
import { goldenLog, storeOf, verify } from './support.ts';

describe('a log that nobody touched', () => {
  it('of an older version verifies clean', async () => {
    const events = goldenLog('v0.1.0');
    const report = await verify(storeOf(events));
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({
      result: 'CLEAN',
      events: events.length,
      streams: new Set(events.map(({ stream }) => stream)).size,
      verdicts: events.filter(({ type }) => type === 'GuardrailEvaluated').length,
      notReplayed: [],
    });
  });

  it('of this version verifies clean: with reviews, retries, unknown outcomes, pauses and changes of state', async () => {
    const events = await history();
    const types = new Set(events.map(({ type }) => type));
    for (const type of [
      'ReviewDecided',
      'RetryScheduled',
      'AutomationPaused',
      'CaseStateChanged',
      'RoutedToManual',
    ])
      expect(types).toContain(type);
    const report = await verify(storeOf(events));
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({ result: 'CLEAN', cases: 7, events: events.length, notReplayed: [] });
    expect(report.verdicts).toBe(events.filter(({ type }) => type === 'GuardrailEvaluated').length);
  });

  it('in KurrentDB verifies clean', async () => {
    const events = await history();
    const { connectionString, stop } = await startProtocolTestServer();
    const store = createKurrentDbEventStore({ connectionString });
    for (const { stream, revision, ...event } of events) {
      const { id, type, data, metadata } = event;
      await store.append(stream, revision - 1, [{ id, type, data, metadata }]);
    }
    const report = await verify(store);
    expect(report.mismatches).toEqual([]);
    expect(report).toMatchObject({ result: 'CLEAN', cases: 7, events: events.length, notReplayed: [] });
    await store.close();
    await stop();
  });

  it('that is empty verifies clean', async () => {
    expect(await verify(storeOf([]))).toMatchObject({ result: 'CLEAN', events: 0, upTo: null });
  });
});
