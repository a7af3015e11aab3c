import type { Seal } from '../seals/statement.ts';

/** The form of the file; it also keeps its signature apart from others made with the same key. */
export const EVIDENCE_FORMAT = 'case-orchestrator/evidence/1';

/** Whether personal text is in the file in clear. */
export type Personal = 'clear' | 'withheld';

/** An event, with the texts that its hash was computed over. */
export type EvidenceEvent = {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  /** Canonical JSON text; personal text in it is encrypted. */
  readonly data: string;
  /** Canonical JSON text. */
  readonly metadata: string;
};

/** Where an event stands in a seal, and what proves it: see `pathOf` in src/seals/merkle.ts. */
export type Proof = {
  readonly stream: string;
  readonly revision: number;
  readonly index: number;
  /** Hexadecimal. */
  readonly path: readonly string[];
};

/** What programs read in an evidence file; the page around it tells the same to people. */
export type Evidence = {
  readonly format: typeof EVIDENCE_FORMAT;
  readonly logId: string;
  readonly caseId: string;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly personal: Personal;
  /** Number of the last seal that the log had before the events were read: what seals up to it cover of the case is all there. -1 for none. */
  readonly sealedUpTo: number;
  /** The case's whole stream, from its first event on. */
  readonly events: readonly EvidenceEvent[];
  /** Where policies and playbooks that its verdicts name entered the log. */
  readonly sources: readonly EvidenceEvent[];
  readonly seals: readonly (Seal & { readonly proofs: readonly Proof[] })[];
  /** Personal texts by event id and field, null where the key was destroyed; empty where they are withheld. */
  readonly texts: { readonly [eventId: string]: { readonly [field: string]: string | null } };
};
