import type { Event } from './eventParts.ts';

/** The form of what is signed; it also keeps these signatures apart from others made with the same key. */
export const SEAL_FORMAT = 'case-orchestrator/seal/1';

/** An event as a seal covers it: its place in its stream, and its hash in the chain. */
export type SealedEvent = { readonly stream: string; readonly revision: number; readonly hash: string };

/**
 * What a seal says: these events, in this order, were the next ones of the log. Nothing of it depends on the store that holds the log, so
 * that a copied log keeps its seals.
 */
export type SealStatement = {
  readonly format: typeof SEAL_FORMAT;
  readonly logId: string;
  /** Of the seal, counted from 0: its revision on the stream of seals. */
  readonly number: number;
  /** How many events of the log come before the first that it covers: none is left out between two seals. */
  readonly start: number;
  /** How many it covers. */
  readonly count: number;
  /** Root of the Merkle tree (RFC 9162, section 2.1) over the covered events in the order of the log; 64 hexadecimal digits. */
  readonly root: string;
  /** The last event that it covers. */
  readonly last: SealedEvent;
  /** SHA-256 over the canonical JSON of the statement before; null for the first. */
  readonly previous: string | null;
  /** ISO 8601. */
  readonly sealedAt: string;
  /** SHA-256 over the public key that verifies the signature (DER, SubjectPublicKeyInfo); 64 hexadecimal digits. */
  readonly keyId: string;
};

/** Everything new in the log was sealed, on the stream `seals`; `signature` is Ed25519 over the statement's canonical JSON, in base64. */
export type LogSealed = Event<'LogSealed', { statement: SealStatement; signature: string }>;
