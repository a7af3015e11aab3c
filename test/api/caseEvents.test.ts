import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { modelFails } from '../support/scripted.ts';

type RecordedEvent = {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly hash: string; readonly prevHash: string | null; readonly actor: unknown };
  readonly personal: Readonly<Record<string, string | null>>;
};

let service: TestApp;
beforeAll(async () => {
  service = await createTestApp({
    model: () => modelFails('AI_INVALID_RESPONSE', 'not JSON', 'Sorry, Erika!'),
  });
  await service.post('/cases', newCase({ personalAttributes: { holder: 'Erika' }, attributes: { n: 1 } }));
  await service.post('/case-task', newTask({ description: 'Please call Erika back' }));
  await service.post('/cases/C1001/notes', { text: 'Erika was not at home \u{1f600}' });
});
afterAll(() => service.close());

const read = async (query = ''): Promise<{ caseId: string; events: RecordedEvent[]; next: number | null }> =>
  (await service.get(`/cases/C1001/events${query}`)).json();

describe('GET /cases/{caseId}/events', () => {
  it('gives the whole history, in order', async () => {
    const { caseId, events, next } = await read();
    expect({ caseId, next }).toEqual({ caseId: 'C1001', next: null });
    expect(events.map(({ type, revision, stream }) => ({ type, revision, stream }))).toEqual(
      [
        'CaseOpened',
        'TaskReceived',
        'DecisionRecommended',
        'GuardrailEvaluated',
        'RoutedToManual',
        'CaseNoteAdded',
      ].map((type, revision) => ({ type, revision, stream: 'case-C1001' })),
    );
    expect(events.map(({ metadata }) => metadata.actor)).toEqual(
      ['anonymous', 'anonymous', 'system', 'system', 'system', 'anonymous'].map((kind) =>
        expect.objectContaining({ kind }),
      ),
    );
  });

  it('gives personal text in clear, and data as recorded, where it is sealed', async () => {
    const { events } = await read();
    expect(events.map(({ personal }) => personal)).toEqual([
      { 'personalAttributes.holder': 'Erika' },
      { description: 'Please call Erika back' },
      { rawText: 'Sorry, Erika!' },
      {},
      {},
      { text: 'Erika was not at home \u{1f600}' },
    ]);
    expect(JSON.stringify(events.map(({ data }) => data))).not.toContain('Erika');
    expect(events.map(({ data }) => data)).toEqual(
      (await service.events())
        .filter(({ stream }) => stream === 'case-C1001')
        .map(({ data }) => JSON.parse(data)),
    );
  });

  it('gives enough to compute the chain from the answer alone', async () => {
    const { events } = await read();
    let prevHash: string | null = null;
    for (const { stream, revision, id, type, data, metadata } of events) {
      const { hash, ...linked } = metadata;
      expect(linked.prevHash).toBe(prevHash);
      const text = canonicalize({ stream, revision, id, type, data, metadata: linked }) ?? '';
      expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
      prevHash = hash;
    }
    expect(prevHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('comes in pages, which together are the whole', async () => {
    const { events } = await read();
    const first = await read('?limit=4');
    expect(first).toMatchObject({ events: events.slice(0, 4), next: 4 });
    expect(await read('?limit=4&fromRevision=4')).toMatchObject({ events: events.slice(4), next: null });
    expect(await read('?limit=6')).toMatchObject({ events, next: null });
    expect(await read('?fromRevision=6')).toMatchObject({ events: [], next: null });
    expect(await read('?fromRevision=9007199254740991')).toMatchObject({ events: [], next: null });
  });
});

describe('GET /cases/{caseId}', () => {
  it('gives personal attributes in clear', async () => {
    expect((await service.get('/cases/C1001')).json()).toMatchObject({
      attributes: { n: 1 },
      personalAttributes: { holder: 'Erika' },
      tasks: [{ status: 'IN_REVIEW', outcome: 'MANUAL' }],
    });
  });
});
