import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/hash.ts';
import type { SealStatement } from '../../src/domain/seal.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import type { SigningKey } from '../../src/seals/keys.ts';
import type { Seal } from '../../src/seals/statement.ts';
import { history } from '../replay/history.ts';
import { changed, rechained, verify } from '../replay/support.ts';
import { at, data, forged, type Tampering, without } from '../replay/tampering.ts';
import { anew, type Superuser, type TamperedPostgres, tamperedPostgres, told } from './superuser.ts';
import { entriesOf, KEY, OTHER_KEY, type SealedHistory, sealedHistory, trusting } from './support.ts';

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

/** Changes a seal, and signs it with a key. */
const resigned =
  (changes: Partial<SealStatement>, key: SigningKey) =>
  (event: ReadEvent): ReadEvent => {
    const statement = { ...(JSON.parse(event.data) as Seal).statement, ...changes, keyId: key.keyId };
    return changed(event, { data: { statement, signature: key.sign(canonicalJson(statement)) } });
  };

type Forgery = (superuser: Superuser) => Promise<void>;
const inSeals =
  (tampering: Tampering): Forgery =>
  ({ edit }) =>
    edit('seals', tampering);
const cutAt =
  (position: number): Forgery =>
  ({ sql }) =>
    sql('delete from eventlog.events where position >= $1', [position]);

describe('what a superuser does to seals is found, and where', () => {
  it.each<[string, Forgery, string[]]>([
    ['the newest seal deleted, with all behind it', cutAt(630), ['SEAL seals/2: it is in the anchor']],
    [
      'the log as an older backup has it, with fewer seals',
      cutAt(360),
      [
        'SEAL seals/1-2: it is in the anchor',
        'SEAL case-approved/0-5: is missing',
        'SEAL seals/1: is missing',
        'SEAL case-approved/6-9: is missing',
        'SEAL automation/0: is missing',
        'SEAL case-paused/0-4: is missing',
        'SEAL automation/1: is missing',
        'SEAL case-C1001/0-8: is missing',
      ],
    ],
    [
      'all seals deleted',
      inSeals(() => []),
      ['SEAL seals/0-2: it is in the anchor', 'SEAL seals/0-1: is missing'],
    ],
    [
      'a seal deleted, and those behind it moved up',
      inSeals(forged(without(1))),
      [
        'SEAL seals/1: what stands in its place in the log is no seal',
        'SEAL seals/2: it is in the anchor',
        'SEAL seals/1: was changed',
      ],
    ],
    [
      'a seal signed by somebody else',
      inSeals(forged(at(2, resigned({}, OTHER_KEY)))),
      ['SEAL seals/2: it is another one in the log than in the anchor'],
    ],
    [
      'all seals signed by somebody else',
      inSeals(forged((events) => events.map(resigned({}, OTHER_KEY)))),
      ['SEAL seals/0-2: it is another one in the log than in the anchor', 'SEAL seals/0-1: was changed'],
    ],
    [
      'a signature changed',
      inSeals(forged(at(2, data({ signature: 'AAAA' })))),
      ['SEAL seals/2: it is another one in the log than in the anchor'],
    ],
    [
      'what a seal says changed',
      inSeals(forged(at(2, resigned({ count: 20 }, OTHER_KEY)))),
      ['SEAL seals/2: it is another one in the log than in the anchor'],
    ],
    [
      'a seal made something else',
      inSeals(forged(at(1, (event) => changed(event, { type: 'CaseNoteAdded' })))),
      [
        'SEAL seals/1: what stands in its place in the log is no seal',
        'SEAL seals/1: was changed',
        'UNREADABLE seals/1: CaseNoteAdded does not keep its schema',
      ],
    ],
    [
      'a seal put in',
      inSeals((events) => rechained([...events, { ...anew(events[2], 1), position: 635n }])),
      ['SEAL seals/3: what stands in its place in the log is no seal'],
    ],
  ])('%s', async (_, forgery, places) => {
    await forgery(postgres.superuser);
    expect(await found()).toEqual(places);
  });
});
