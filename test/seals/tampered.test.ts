import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, history } from '../replay/history.ts';
import { changed, rechained, verify } from '../replay/support.ts';
import { at, data, forged, metadata, swapped, type Tampering, without } from '../replay/tampering.ts';
import { anew, type Superuser, type TamperedPostgres, tamperedPostgres, told } from './superuser.ts';
import { entriesOf, KEY, type SealedHistory, sealedHistory, trusting } from './support.ts';

let sealed: SealedHistory;
let postgres: TamperedPostgres;
beforeAll(async () => {
  sealed = await sealedHistory(await history(), 20);
  postgres = await tamperedPostgres(sealed.log);
});
afterAll(() => postgres?.close());
afterEach(() => postgres.restore());

const found = async (): Promise<string[]> =>
  told(
    await verify(postgres.store(), null, null, {
      trusted: trusting(KEY),
      anchor: entriesOf(sealed.anchor),
    }),
  );

const EVE = { kind: 'person', id: 'eve', roles: [], authMethod: 'oidc' };
const LATER = { recordedAt: '2026-06-01T00:00:00.000Z' };
const move = (from: number, to: number): string =>
  `update eventlog.events set position = ${to} where position = ${from};`;
const swap = (one: number, other: number): string =>
  [move(one, -1), move(other, one), move(-1, other)].join('\n');
/** Puts an event in, behind the last of a stream. */
const putIn =
  (index: number, position: bigint): Tampering =>
  (events) =>
    rechained([...events, { ...anew(events[index], 2), position }]);

type Forgery = (superuser: Superuser) => Promise<void>;
const inStream =
  (stream: string, tampering: Tampering): Forgery =>
  ({ edit }) =>
    edit(stream, tampering);

const WITHOUT_SOURCE = [
  'executed/3',
  'retried/3',
  'retried/7',
  'unknown/3',
  'unknown/7',
  'refused/3',
  'approved/3',
  'approved/7',
  'paused/3',
  'C1001/3',
].map((place) => `SOURCE case-${place}: its playbook is not in the log`);

describe('what a superuser does to sealed events is found, and where', () => {
  it.each<[string, Forgery, string[]]>([
    [
      'data changed',
      inStream('case-executed', at(2, data({ durationMs: 13 }))),
      ['SEAL case-executed/2: was changed', 'CHAIN case-executed/2: does not match its hash'],
    ],
    [
      'data changed, chained anew',
      inStream('case-executed', forged(at(2, data({ durationMs: 13 })))),
      ['SEAL case-executed/2-5: was changed'],
    ],
    [
      'who did it, chained anew',
      inStream('case-C1001', forged(at(6, metadata({ actor: EVE })))),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'when it was done, chained anew',
      inStream(
        'case-C1001',
        forged((events) => events.map((event, n) => (n > 5 ? metadata(LATER)(event) : event))),
      ),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'ciphertext, chained anew',
      inStream('case-C1001', forged(at(6, data({ text: { sealed: 'other' } })))),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'a type, chained anew',
      inStream('case-C1001', forged(at(6, (event) => changed(event, { type: 'CaseMerged' })))),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'an id, chained anew',
      inStream('case-C1001', forged(at(6, (event) => anew(event, 1)))),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'two events of a stream in each other’s place, chained anew',
      inStream('case-C1001', forged(swapped(6))),
      ['SEAL case-C1001/6-8: was changed'],
    ],
    [
      'two events of two streams in each other’s place in the log',
      ({ sql }) => sql(swap(350, 470)),
      ['SEAL case-refused/4: was moved', 'SEAL automation/0: was moved'],
    ],
    [
      'two neighbours in the log the other way round',
      ({ sql }) => sql(swap(470, 480)),
      ['SEAL automation/0: was moved'],
    ],
    [
      'an event moved to the end of the log',
      ({ sql }) => sql(move(90, 8_000)),
      ['SEAL case-executed/5: was moved'],
    ],
    [
      'an event moved from before a seal to behind it',
      ({ sql }) => sql(move(410, 425)),
      ['SEAL case-approved/5: was moved'],
    ],
    [
      'an event of the unsealed end moved to the beginning',
      ({ sql }) => sql(move(640, 15)),
      [
        'POSITION case-C1001/9: stands in the log before the event before it',
        'SEAL case-C1001/9: was put in',
      ],
    ],
    [
      'the last event of a stream deleted',
      inStream('case-executed', without(5)),
      ['SEAL case-executed/5: is missing'],
    ],
    [
      'an event in the middle deleted, chained anew',
      inStream('case-retried', forged(without(6))),
      ['SEAL case-retried/6-8: was changed', 'SEAL case-retried/9: is missing'],
    ],
    [
      'the end of a stream deleted, from one seal into the next',
      inStream('case-approved', (events) => events.slice(0, 5)),
      ['SEAL case-approved/5-9: is missing'],
    ],
    [
      'everything that a seal covers deleted',
      ({ sql }) => sql('delete from eventlog.events where position between 210 and 410'),
      [
        'SEAL seals/0: it is in the anchor',
        'SEAL seals/0: is missing',
        'SEAL case-unknown/1-9: is missing',
        'SEAL case-refused/0-4: is missing',
        'SEAL case-approved/0-5: is missing',
        'GAP seals/0: the first event of the stream is missing',
        'GAP case-approved/0: the first event of the stream is missing',
      ],
    ],
    ['a whole case deleted', inStream('case-executed', () => []), ['SEAL case-executed/0-5: is missing']],
    [
      'a playbook deleted',
      ({ sql }) => sql("delete from eventlog.events where stream like 'playbook-%'"),
      ['SEAL playbook/0: is missing', ...WITHOUT_SOURCE],
    ],
    ['a pause deleted, with its end', inStream('automation', () => []), ['SEAL automation/0-1: is missing']],
    [
      'an event put in at the end of a stream, early in the log, chained',
      inStream('case-unknown', putIn(9, 305n)),
      [
        'LEGALITY case-unknown/10: ActionExecuted at revision 10',
        'ACTION case-unknown/10: it is the result of no open action',
        'SEAL case-unknown/10: was put in',
      ],
    ],
    [
      'an event put in just before a seal',
      inStream('case-refused', putIn(4, 415n)),
      ['LEGALITY case-refused/5: RoutedToManual at revision 5', 'SEAL case-refused/5: was put in'],
    ],
    [
      'a whole case put in, early in the log',
      ({ edit }) =>
        edit('case-new', () =>
          rechained(
            eventsOf(sealed.log, 'refused').map((event, n) => ({
              ...anew(event, 10 + n),
              stream: 'case-new',
              position: BigInt(291 + n),
            })),
          ),
        ),
      [
        'LEGALITY case-new/1-4: it is about a task of another case',
        'PERMISSION case-new/3: what follows from the verdict is not directly behind it',
        'SEAL case-new/0-4: was put in',
      ],
    ],
    [
      'an event doubled',
      inStream('case-C1001', (events) => [...events, { ...anew(events[6], 4), position: 605n }]),
      [
        'CHAIN case-C1001/6: does not link to the event before it',
        'CHAIN case-C1001/6: does not match its hash',
        'REVISION case-C1001/6: expected revision 7',
        'SEAL case-C1001/6: was put in',
      ],
    ],
    [
      'an event moved to another stream, both chained anew',
      async ({ edit }) => {
        const [note] = eventsOf(sealed.log, 'C1001').slice(6);
        await edit('case-C1001', forged(without(6)));
        await edit('case-refused', (events) =>
          rechained([...events, { ...anew(note, 5), stream: 'case-refused', position: 600n }]),
        );
      },
      ['SEAL case-C1001/6-8: was changed', 'SEAL case-refused/5: was put in'],
    ],
    [
      'two cases with each other’s events, chained anew',
      async ({ edit, sql }) => {
        await sql(`update eventlog.events set stream = 'case-x' where stream = 'case-refused'`);
        await sql(`update eventlog.events set stream = 'case-refused' where stream = 'case-paused'`);
        await sql(`update eventlog.events set stream = 'case-paused' where stream = 'case-x'`);
        for (const stream of ['case-refused', 'case-paused']) await edit(stream, rechained);
      },
      [
        'SEAL case-refused/0-4: was changed',
        'SEAL case-paused/0-4: was changed',
        'LEGALITY case-paused/1-4: it is about a task of another case',
        'LEGALITY case-refused/1-4: it is about a task of another case',
      ],
    ],
    [
      'everything deleted',
      ({ sql }) => sql('truncate eventlog.events'),
      [
        'SEAL seals/0-1: it is in the anchor',
        'SEAL log/0: is missing',
        'SEAL playbook/0: is missing',
        'SEAL policy/0: is missing',
        'SEAL case-executed/0-5: is missing',
        'SEAL case-retried/0-9: is missing',
        'SEAL case-unknown/0: is missing',
        'SEAL seals/2: it is in the anchor',
        'SEAL seals/0: is missing',
        'SEAL case-unknown/1-9: is missing',
        'SEAL case-refused/0-4: is missing',
        'SEAL case-approved/0-5: is missing',
        'SEAL seals/1: is missing',
        'SEAL case-approved/6-9: is missing',
        'SEAL automation/0: is missing',
        'SEAL case-paused/0-4: is missing',
        'SEAL automation/1: is missing',
        'SEAL case-C1001/0-8: is missing',
      ],
    ],
  ])('%s', async (_, forgery, places) => {
    await forgery(postgres.superuser);
    expect(await found()).toEqual(places);
  });
});

describe('what is not tampering is not found', () => {
  it('a copy, whose positions are others', async () => {
    expect(await found()).toEqual([]);
    await postgres.superuser.sql('update eventlog.events set position = position + 100000');
    expect(await found()).toEqual([]);
  });
  it('that the service goes on behind the last seal', async () => {
    const last = eventsOf(sealed.log, 'C1001')[6];
    await postgres.superuser.edit('case-retried', (events) =>
      rechained([...events, { ...anew(last, 6), stream: 'case-retried', position: 700n }]),
    );
    expect(await found()).toEqual([]);
  });
});
