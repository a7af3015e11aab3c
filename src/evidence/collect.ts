import type { CaseEvent, Recorded } from '../domain/events.ts';
import { caseStream, playbookStream, policyStream } from '../domain/identifiers.ts';
import { codec } from '../eventstore/codec.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import { readWhole } from '../eventstore/wholeStream.ts';
import { readLastSeal, type SealedLog } from '../seals/sealedLog.ts';
import { type PersonalTexts, personalTexts } from '../vault/personalTexts.ts';
import type { Vault } from '../vault/vault.ts';
import { EVIDENCE_FORMAT, type Evidence, type EvidenceEvent, type Personal } from './format.ts';
import { proveInclusion } from './inclusion.ts';

/** What evidence is made from: nothing in it can reach a model or a backend. */
export type EvidenceDependencies = {
  readonly store: SealedLog;
  readonly logId: string;
  readonly vault: Pick<Vault, 'of'>;
  /** Seals everything that is in the log at the call. */
  readonly sealNow: () => Promise<void>;
  readonly clock: { readonly now: () => string };
};

/** Evidence of a case, with its events as this version reads them. */
export type Collected = { readonly evidence: Evidence; readonly events: readonly Recorded<CaseEvent>[] };

/**
 * Collects everything that proves what happened to a case: its events, the policies and playbooks that its verdicts name, and the
 * seals over all of them. What is not sealed yet is sealed now.
 *
 * @returns null where there is no such case
 * @throws SealAlarmError where the log is not what was sealed, StoreUnavailableError, and what `sealNow` throws
 */
export async function collectEvidence(
  deps: EvidenceDependencies,
  caseId: string,
  personal: Personal,
): Promise<Collected | null> {
  const lastSeal = await readLastSeal(deps.store);
  const stored = await readWhole(deps.store, caseStream(caseId));
  if (stored.length === 0) return null;
  const events = stored.map((each) => codec.decode(each) as Recorded<CaseEvent>);
  const sources = await readSources(deps.store, events);
  const all = [...sources, ...stored];
  const seals = (await proveInclusion(deps.store, all)) ?? (await sealAndProve(deps, all));
  const evidence: Evidence = {
    format: EVIDENCE_FORMAT,
    logId: deps.logId,
    caseId,
    madeAt: deps.clock.now(),
    personal,
    sealedUpTo: lastSeal?.revision ?? -1,
    events: stored.map(evidenceOf),
    sources: sources.map(evidenceOf),
    seals,
    texts: personal === 'clear' ? await readTexts(deps, caseId, events) : {},
  };
  return { evidence, events };
}

async function sealAndProve(
  deps: EvidenceDependencies,
  events: readonly ReadEvent[],
): Promise<Evidence['seals']> {
  await deps.sealNow();
  const seals = await proveInclusion(deps.store, events);
  if (seals) return seals;
  throw new Error('events are not sealed although everything was');
}

/** Where each policy and playbook of the verdicts entered the log; what is missing is found by whoever checks. */
async function readSources(store: SealedLog, events: readonly Recorded<CaseEvent>[]): Promise<ReadEvent[]> {
  const streams = new Set(
    events.flatMap(({ type, data }) => {
      if (type !== 'GuardrailEvaluated') return [];
      const policies = [data.policyHash, ...(data.shadow ? [data.shadow.policyHash] : [])];
      return [...policies.map(policyStream), playbookStream(data.playbookHash)];
    }),
  );
  const found: ReadEvent[] = [];
  for (const stream of [...streams].sort()) found.push(...(await store.readStream(stream, 0, 1)));
  return found;
}

async function readTexts(
  { vault }: EvidenceDependencies,
  caseId: string,
  events: readonly Recorded<CaseEvent>[],
): Promise<Evidence['texts']> {
  const key = await vault.of(caseId);
  const texts = events.map((event): [string, PersonalTexts] => [event.id, personalTexts(event, key)]);
  return Object.fromEntries(texts.filter(([, fields]) => Object.keys(fields).length > 0));
}

const evidenceOf = ({ stream, revision, id, type, data, metadata }: ReadEvent): EvidenceEvent => ({
  stream,
  revision,
  id,
  type,
  data,
  metadata,
});
