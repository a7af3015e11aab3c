import { createPrivateKey } from 'node:crypto';
import type { LogSealed, SealedEvent } from '../../src/domain/seal.ts';
import { createEventLog, EMPTY_HEAD, headOf } from '../../src/eventstore/log.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import { bundle } from '../../src/evidence/bundle.ts';
import { collectEvidence, type EvidenceDependencies } from '../../src/evidence/collect.ts';
import type { Personal } from '../../src/evidence/format.ts';
import type { AnchoredSeal } from '../../src/seals/anchor.ts';
import { parseSigningKey } from '../../src/seals/keys.ts';
import { sealEvents } from '../../src/seals/statement.ts';
import { LOG_ID } from '../projections/support.ts';
import { uuid } from '../support/builders.ts';
import type { Process } from '../support/world.ts';

const ED25519 = '302e020100300506032b657004220420';

/** A signing key that is the same in every run. */
export const signingKey = (digit: string) =>
  parseSigningKey(
    createPrivateKey({
      key: Buffer.from(ED25519 + digit.repeat(64), 'hex'),
      format: 'der',
      type: 'pkcs8',
    })
      .export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  );
export const KEY = signingKey('1');

/** Seals what is there in seals over so many events, all at once and in memory. */
export async function sealAll(store: EventStore, most: number, key = KEY): Promise<AnchoredSeal[]> {
  let ids = 900_000;
  const log = createEventLog(store, () => uuid(++ids));
  const all = await store.readAll(null, 10_000);
  const seals: AnchoredSeal[] = [];
  let head = EMPTY_HEAD;
  for (let from = 0; from < all.length; from += most) {
    const events = all.slice(from, from + most).map(({ stream, revision, metadata }): SealedEvent => {
      const { hash } = JSON.parse(metadata) as { hash: string };
      return { stream, revision, hash };
    });
    const data = sealEvents(LOG_ID, seals.at(-1)?.statement ?? null, events, '2026-01-02T00:00:00.000Z', key);
    const event: LogSealed = { type: 'LogSealed', data };
    const outcome = await log.append('seals', head, [event], {
      actor: { kind: 'system', id: 'test', roles: [], authMethod: 'internal' },
      correlationId: null,
      causationId: null,
      traceparent: null,
      now: '2026-01-02T00:00:00.000Z',
    });
    if (outcome.kind === 'conflict') throw new Error('somebody else seals');
    head = headOf(outcome.events.at(-1));
    seals.push({ ...data, leaves: events });
  }
  return seals;
}

/** What evidence of a process's log is made from. */
export const evidenceDeps = ({ outside, vault }: Process): EvidenceDependencies => ({
  store: outside.store,
  logId: LOG_ID,
  vault,
  sealNow: async () => {},
  clock: { now: () => '2026-01-03T00:00:00.000Z' },
});

/** The evidence file of a case. */
export async function evidenceFile(
  process: Process,
  caseId: string,
  personal: Personal = 'withheld',
): Promise<string> {
  const collected = await collectEvidence(evidenceDeps(process), caseId, personal);
  if (!collected) throw new Error('there is no such case');
  return bundle(collected, KEY);
}
