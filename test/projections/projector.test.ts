import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UnknownEventError } from '../../src/eventstore/codec.ts';
import { CheckpointMovedError, ForeignLogError, projectBatch } from '../../src/projections/projector.ts';
import type { RowStore } from '../../src/projections/rowStore.ts';
import {
  AT,
  executed,
  later,
  opened,
  received,
  recommended,
  routed,
  stateChanged,
  taskId,
} from '../support/builders.ts';
import {
  closePostgres,
  createRig,
  executedTask,
  LOG_ID,
  MIXED_HISTORY,
  memoryRows,
  postgresRows,
  type Rig,
  type RowsUnderTest,
  rebuildRows,
} from './support.ts';

afterAll(closePostgres);

describe.each([
  ['in memory', memoryRows],
  ['in Postgres', postgresRows],
])('read models %s', (_name, open) => {
  let rows: RowsUnderTest;
  let rig: Rig;

  beforeEach(async () => {
    rows = await open();
    rig = createRig(rows.rowStore);
  });

  const appendAll = async (): Promise<void> => {
    for (const [caseId, ...events] of MIXED_HISTORY) await rig.append(caseId, ...events);
  };

  it('tell what happened, in the order of the log', async () => {
    await appendAll();
    await rig.catchUp();
    const { cases, tasks, audit_log, reviews } = await rows.dump();
    expect(cases?.map((row) => [row.case_id, row.state, row.retry_count, row.last_error_type])).toEqual([
      ['A', 'OPEN', 0, null],
      ['B', 'CLOSED', 0, null],
      ['C', 'OPEN', 3, 'HTTP_503'],
      ['D', 'SUSPENDED', 1, 'TIMEOUT'],
    ]);
    expect(cases?.[1]?.attributes).toEqual({ amount: 1.5, vip: true });
    expect(tasks?.map((row) => [row.task_id, row.status, row.outcome, row.attempts])).toEqual([
      [taskId(1), 'COMPLETED', 'AUTO_SUCCESS', 1],
      [taskId(2), 'CANCELLED', 'MANUAL', 0],
      [taskId(3), 'IN_REVIEW', 'AUTO_FAILED', 2],
      [taskId(4), 'RECEIVED', null, 0],
      [taskId(5), 'COMPLETED', 'AUTO_SUCCESS', 1],
    ]);
    expect(audit_log?.map((row) => [row.case_id, row.outcome, row.actor_id])).toEqual([
      ['A', 'AUTO_SUCCESS', 'test'],
      ['B', 'MANUAL', 'test'],
      ['C', 'AUTO_FAILED', 'test'],
      ['D', null, 'test'],
      ['A', 'AUTO_SUCCESS', 'test'],
    ]);
    expect(reviews?.map((row) => [row.task_id, row.state, row.queue, row.due_by])).toEqual([
      [taskId(1), 'NONE', null, null],
      [taskId(2), 'CLOSED', 'operations', later(480 * 60_000)],
      [taskId(3), 'OPEN', 'failures', later(120 * 60_000)],
      [taskId(4), 'NONE', null, null],
      [taskId(5), 'NONE', null, null],
    ]);
    expect(tasks?.[0]).toMatchObject({ received_at: AT, decision_source: 'model', confidence: 0.95 });
  });

  it('are the same rows whatever the batches were, and after a rebuild', async () => {
    for (const [caseId, ...events] of MIXED_HISTORY) {
      await rig.append(caseId, ...events);
      await rig.catchUp();
    }
    const stepwise = await rows.dump();
    const progress: number[] = [];
    const result = await rebuildRows(rig, rows, ({ events }) => progress.push(events));
    expect(await rows.dump()).toEqual(stepwise);
    const total = MIXED_HISTORY.reduce((sum, [, ...events]) => sum + events.length, 0);
    expect({ result, progress }).toEqual({ result: { events: total, parked: [] }, progress: [total] });
    expect((await rows.rowStore.checkpoint())?.position).toBe(await rig.store.lastPosition());
  });

  it('keep rows and checkpoint as they were when a commit fails, and catch up afterwards', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const before = { dump: await rows.dump(), checkpoint: await rows.rowStore.checkpoint() };
    await rig.append('A', ...executedTask(1));
    const failing: RowStore = { ...rows.rowStore, commit: () => Promise.reject(new Error('power cut')) };
    await expect(createRig(failing, { store: rig.store }).catchUp()).rejects.toThrow('power cut');
    expect({ dump: await rows.dump(), checkpoint: await rows.rowStore.checkpoint() }).toEqual(before);
    await rig.catchUp();
    expect((await rows.dump()).tasks).toMatchObject([{ outcome: 'AUTO_SUCCESS' }]);
  });

  it('take a batch from one projector only: the checkpoint is compared and swapped', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const checkpoint = await rows.rowStore.checkpoint();
    if (!checkpoint) throw new Error('no checkpoint');
    await rig.append('A', received(1));
    const batch = await rig.store.readAll(checkpoint.position, 10);
    await projectBatch(rig.deps, checkpoint, batch, new Set());
    const after = await rows.dump();
    await expect(projectBatch(rig.deps, checkpoint, batch, new Set())).rejects.toThrow(CheckpointMovedError);
    expect(await rows.dump()).toEqual(after);
  });

  it.each([
    ['that is not JSON', 'MALFORMED_EVENT', { type: 'CaseStateChanged', data: '{"from":' }],
    [
      'that does not keep its schema',
      'MALFORMED_EVENT',
      { type: 'CaseStateChanged', data: '{"from":"OPEN"}' },
    ],
    ['whose metadata cannot be read', 'MALFORMED_EVENT', { type: 'CaseStateChanged', metadata: '{}' }],
  ])('park a case at an event %s, and only that case', async (_what, code, event) => {
    await rig.append('A', opened());
    await rig.append('B', opened());
    await rig.appendRaw('A', event);
    await rig.append('B', received(2));
    await rig.catchUp();
    expect((await rows.dump()).tasks?.map((row) => row.case_id)).toEqual(['B']);
    const parked = [{ stream: 'case-A', revision: 1, position: expect.any(BigInt), code }];
    expect(rig.parked).toEqual(parked);
    expect(await rows.rowStore.parked()).toEqual(parked);

    // Later events of the parked case are left out, also by a projector that has just started; the rest goes on.
    await rig.appendRaw('A', { type: 'CaseNoteAdded', data: '{"text":{"sealed":"x"},"command":null}' });
    await rig.append('B', recommended(2), routed(2, ['CONFIDENCE_TOO_LOW']));
    const next = createRig(rows.rowStore, { store: rig.store });
    await next.catchUp();
    const { cases, tasks } = await rows.dump();
    expect(cases?.map((row) => [row.case_id, row.revision])).toEqual([
      ['A', 0],
      ['B', 3],
    ]);
    expect(tasks).toMatchObject([{ case_id: 'B', outcome: 'MANUAL' }]);
    expect(next.parked).toEqual([]);

    const rebuilt = await rebuildRows(next, rows);
    expect(rebuilt.parked).toEqual(parked);
    expect((await rows.dump()).cases?.map((row) => [row.case_id, row.revision])).toEqual([
      ['A', 0],
      ['B', 3],
    ]);
  });

  it('park a case at an event that cannot be folded', async () => {
    await rig.append('A', opened());
    await rig.append('B', opened());
    await rig.append('A', executed('SUCCEEDED', 1));
    await rig.append('B', ...executedTask(2));
    await rig.catchUp();
    expect(rig.parked).toMatchObject([{ stream: 'case-A', revision: 1, code: 'FOLD_FAILED' }]);
    expect((await rows.dump()).tasks).toMatchObject([{ case_id: 'B', outcome: 'AUTO_SUCCESS' }]);
  });

  it.each([
    ['of a type that this code does not know', 'CaseMerged', '"schemaVersion":1'],
    ['of a newer schema', 'CaseOpened', '"schemaVersion":2'],
    ['of a newer schema and envelope', 'CaseOpened', '"schemaVersion":2,"tenant":"t1"'],
  ])('stop before an event %s, and lose nothing', async (_what, type, version) => {
    await rig.append('A', opened());
    await rig.append('B', opened());
    const [first] = await rig.store.readStream('case-A', 0, 1);
    const metadata = first?.metadata.replace('"schemaVersion":1', version) ?? '';
    await rig.appendRaw('A', { type, metadata });
    await rig.append('B', stateChanged('CLOSED'));
    await expect(rig.catchUp()).rejects.toThrow(UnknownEventError);
    expect((await rows.dump()).cases?.map((row) => [row.case_id, row.state])).toEqual([
      ['A', 'OPEN'],
      ['B', 'OPEN'],
    ]);
    expect(await rows.rowStore.parked()).toEqual([]);
    expect((await rows.rowStore.checkpoint())?.position).toBe(2n);
  });

  it('refuse another log by both names, and are kept', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const before = await rows.dump();
    const logId = '019b0000-0000-7000-8000-00000000beef';
    const foreign = createRig(rows.rowStore, { logId });
    await foreign.append('X', opened());
    const refused = foreign.catchUp();
    await expect(refused).rejects.toThrow(ForeignLogError);
    await expect(refused).rejects.toThrow(
      `the read models belong to the log ${LOG_ID}, but the event store holds the log ${logId}; ` +
        'point DATABASE_URL, EVENT_STORE and KURRENTDB_URL at what belongs together, or run ' +
        '`npm run rebuild` to make the read models anew from this log',
    );
    expect(await rows.dump()).toEqual(before);
  });

  it('are made anew when another version made them', async () => {
    await appendAll();
    await rig.catchUp();
    const before = await rows.dump();
    const [stale] = before.cases ?? [];
    if (!stale) throw new Error('no case');
    const checkpoint = await rows.rowStore.checkpoint();
    if (!checkpoint) throw new Error('no checkpoint');
    const [cases] = rig.deps.projections;
    if (!cases) throw new Error('no projection');
    const wrong = new Map([[cases, [{ ...stale, case_id: 'GHOST' }]]]);
    await rows.rowStore.commit(checkpoint, checkpoint, wrong, []);
    const next = createRig(rows.rowStore, { store: rig.store, fingerprint: 'another' });
    await next.append('E', opened());
    await next.catchUp();
    const { cases: after } = await rows.dump();
    expect(after?.map((row) => row.case_id)).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(after?.slice(0, 4)).toEqual(before.cases);
  });
});
