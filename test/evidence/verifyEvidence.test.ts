import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { link } from '../../src/eventstore/chain.ts';
import { bundle } from '../../src/evidence/bundle.ts';
import { type Collected, collectEvidence } from '../../src/evidence/collect.ts';
import { EVIDENCE_FORMAT, type Evidence, type EvidenceEvent } from '../../src/evidence/format.ts';
import { verifyEvidence } from '../../src/evidence/verifyEvidence.ts';
import { lineOf } from '../../src/seals/anchor.ts';
import { leafOf, merkleTree } from '../../src/seals/merkle.ts';
import { sealEvents } from '../../src/seals/statement.ts';
import { happened } from '../replay/history.ts';
import type { Process } from '../support/world.ts';
import { evidenceDeps, evidenceFile, KEY, sealAll, signingKey } from './support.ts';

const OTHER = signingKey('2');
let process: Process;
let anchor: string;

beforeAll(async () => {
  process = await happened();
  const seals = await sealAll(process.outside.store, 16);
  anchor = seals.map(lineOf).join('');
});

const check = (
  file: string | Buffer,
  keys = KEY.publicKey,
  anchored: string | null = null,
): readonly string[] => verifyEvidence(Buffer.from(file), keys, anchored).problems;

const collected = async (caseId: string): Promise<Collected> => {
  const found = await collectEvidence(evidenceDeps(process), caseId, 'clear');
  if (!found) throw new Error('there is no such case');
  return found;
};

/** Evidence with something else in it, signed by whoever has the key. */
const forged = async (caseId: string, change: (evidence: Evidence) => Partial<Evidence>): Promise<string> => {
  const { evidence, events } = await collected(caseId);
  return bundle({ evidence: { ...evidence, ...change(evidence) }, events }, KEY);
};

describe('an evidence file', () => {
  it.each(['executed', 'retried', 'unknown', 'refused', 'approved', 'paused', 'C1001'])(
    'of the case %s is proved, with personal text in clear and without',
    async (caseId) => {
      for (const personal of ['clear', 'withheld'] as const) {
        const file = await evidenceFile(process, caseId, personal);
        expect(check(file, KEY.publicKey, anchor)).toStrictEqual([]);
        expect(file.includes('please retry for policy 4711')).toBe(personal === 'clear');
      }
    },
  );

  it('is believed from any of several keys, and from no other', async () => {
    const file = await evidenceFile(process, 'executed');
    expect(check(file, OTHER.publicKey + KEY.publicKey)).toStrictEqual([]);
    expect(check(file, OTHER.publicKey)).toStrictEqual([
      `the file is signed with another key: ${KEY.keyId}`,
      `seal 0: is signed with another key: ${KEY.keyId}`,
    ]);
    expect(() => check(file, 'nothing')).toThrow('there is no public key');
  });

  it('must have its seals in the anchor file, where there is one', async () => {
    const file = await evidenceFile(process, 'executed');
    const [first = '', ...others] = anchor.split('\n');
    expect(check(file, KEY.publicKey, others.join('\n'))).toStrictEqual([
      'seal 0: is not in the anchor file',
    ]);
    expect(check(file, KEY.publicKey, first)).toStrictEqual([]);
  });
});

describe('any change of the bytes is refused', () => {
  let file: Buffer;
  beforeAll(() => {
    file = Buffer.from(artificial([{ priority: 'LOW' }]));
  });

  it('each byte of a whole file, changed', { timeout: 30_000 }, () => {
    for (let at = 0; at < file.length; at += 1) {
      const changed = Buffer.from(file);
      changed.writeUInt8(file.readUInt8(at) ^ (1 << (at % 8)), at);
      if (check(changed).length === 0) expect.unreachable(`byte ${at} was changed and nobody saw it`);
    }
  });

  it('every bit of its signature', () => {
    const line = file.lastIndexOf('<!--');
    for (let bit = line * 8; bit < file.length * 8; bit += 1) {
      const at = Math.floor(bit / 8);
      const changed = Buffer.from(file);
      changed.writeUInt8(file.readUInt8(at) ^ (1 << (bit % 8)), at);
      if (check(changed).length === 0) expect.unreachable(`bit ${bit} was changed and nobody saw it`);
    }
  });

  it('a byte more or less, anywhere', () => {
    fc.assert(
      fc.property(fc.nat(file.length), fc.nat(255), (at, byte) => {
        const more = Buffer.concat([file.subarray(0, at), Buffer.from([byte]), file.subarray(at)]);
        const less = Buffer.concat([file.subarray(0, at), file.subarray(at + 1)]);
        expect(check(more).length).toBeGreaterThan(0);
        if (at < file.length) expect(check(less).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('what somebody with the signing key cannot do, because of what was sealed', () => {
  const edited = (event: EvidenceEvent, data: object): EvidenceEvent => ({
    ...event,
    data: canonicalJson({ ...JSON.parse(event.data), ...data }),
  });

  it('change an event', async () => {
    const file = await forged('approved', ({ events }) => ({
      events: events.map((event) =>
        event.type === 'ReviewDecided' ? edited(event, { reviewer: 'bob' }) : event,
      ),
    }));
    expect(check(file)).toStrictEqual(['case-approved revision 6: is not what its hash says']);
  });

  it('change an event and chain what follows anew', async () => {
    const file = await forged('approved', ({ events }) => ({
      events: rechained(events, 6, { reviewer: 'bob' }),
    }));
    expect(check(file)).toStrictEqual([
      ...[6, 7, 8, 9].map((revision) =>
        expect.stringMatching(`^case-approved revision ${revision}: is not in seal`),
      ),
      ...[6, 7, 8, 9].map((revision) => `case-approved revision ${revision}: no seal proves it`),
    ]);
  });

  it('leave an event out', async () => {
    const file = await forged('approved', ({ events }) => ({
      events: events.filter(({ revision }) => revision !== 5),
    }));
    expect(check(file)).toContain('case-approved revision 6: does not name the event before it');
  });

  it('leave a policy out, or put another text in its place', async () => {
    const { evidence } = await collected('executed');
    const [policyStream = ''] = evidence.sources
      .map(({ stream }) => stream)
      .filter((name) => name.startsWith('policy-'));
    const without = await forged('executed', ({ sources }) => ({
      sources: sources.filter(({ stream }) => stream !== policyStream),
    }));
    expect(check(without)).toContain(`case-executed revision 3: its ${policyStream} is not there`);
    const other = await forged('executed', ({ sources }) => ({
      sources: sources.map((event) =>
        event.stream === policyStream ? edited(event, { source: 'x' }) : event,
      ),
    }));
    expect(check(other)).toContain(`${policyStream} revision 0: its text is not what its hash says`);
  });

  it('put a seal of another log, or one that it has signed later, in the place of the one that was', async () => {
    const file = await forged('executed', ({ seals }) => ({
      seals: seals.map((seal) => ({ ...seal, statement: { ...seal.statement, logId: 'another' } })),
    }));
    expect(check(file)).toStrictEqual([
      'seal 0: is of another log or format',
      'seal 0: its signature is wrong',
    ]);
  });

  it('show an action that nothing allowed', () => {
    const file = artificial(
      [{}, { taskId: 't', attempt: 1, verdict: 'ROUTE_TO_MANUAL' }, { taskId: 't', attempt: 1 }],
      ['CaseOpened', 'GuardrailEvaluated', 'ActionStarted'],
    );
    expect(check(file)).toContain('case-C1 revision 2: nothing directly before it allows it');
  });

  it('show what has not the form of evidence', async () => {
    const file = await forged('executed', ({ seals }) => ({
      seals: seals.map((seal) => ({ ...seal, proofs: undefined as unknown as [] })),
    }));
    expect(check(file)).toStrictEqual(['the file does not have the form of evidence']);
  });
});

it('hashes and proves whatever JSON there is, as the log does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { minLength: 1, maxLength: 40 }),
      (data) => {
        expect(check(artificial(data))).toStrictEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

it('is not broken by what people write', async () => {
  const text = '</script><!-- case-orchestrator/evidence/1 --><img src=x onerror=alert(1)> & "quoted"';
  const { evidence, events } = await collected('executed');
  const texts = Object.fromEntries(Object.keys(evidence.texts).map((id) => [id, { description: text }]));
  const file = bundle({ evidence: { ...evidence, texts }, events }, KEY);
  expect(check(file)).toStrictEqual([]);
  expect(file).not.toContain('<img');
  expect(file.match(/<\/script>/g)).toHaveLength(1);
});

/** Evidence of a case that never was: events with this data, all in one seal. */
function artificial(data: readonly object[], types: readonly string[] = []): string {
  const events = rechained(
    data.map((each, revision) => ({
      stream: 'case-C1',
      revision,
      id: `id-${revision}`,
      type: types[revision] ?? 'CaseOpened',
      data: canonicalJson(each),
      metadata: '{}',
    })),
  );
  const sealed = events.map(({ stream, revision, metadata }) => ({
    stream,
    revision,
    hash: (JSON.parse(metadata) as { hash: string }).hash,
  }));
  const seal = sealEvents('log', null, sealed, '2026-01-02T00:00:00.000Z', KEY);
  const leaves = sealed.map(leafOf);
  const evidence: Evidence = {
    format: EVIDENCE_FORMAT,
    logId: 'log',
    caseId: 'C1',
    madeAt: '2026-01-03T00:00:00.000Z',
    personal: 'withheld',
    sealedUpTo: -1,
    events,
    sources: [],
    seals: [
      {
        ...seal,
        proofs: sealed.map(({ stream, revision }, index) => ({
          stream,
          revision,
          index,
          path: merkleTree(leaves)
            .pathOf(index)
            .map((node) => node.toString('hex')),
        })),
      },
    ],
    texts: {},
  };
  return bundle({ evidence, events: [] as Recorded<CaseEvent>[] }, KEY);
}

/** Events chained anew, one of them with other data. */
function rechained(events: readonly EvidenceEvent[], at = -1, other: object = {}): EvidenceEvent[] {
  let prevHash: string | null = null;
  return events.map((event) => {
    const { hash: _, ...metadata } = JSON.parse(event.metadata) as never as Parameters<typeof link>[3] & {
      hash: string;
    };
    const data = event.revision === at ? canonicalJson({ ...JSON.parse(event.data), ...other }) : event.data;
    const linked = link(event.stream, event.revision, { ...event, data }, { ...metadata, prevHash });
    prevHash = linked.hash;
    return { ...event, data, metadata: linked.stored.metadata };
  });
}
