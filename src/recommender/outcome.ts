import type { Decision, FallbackReason } from '../domain/decision.ts';
import type { TokenUsage } from './port.ts';

/** What asking a model once came to. */
export type ModelFailure = {
  readonly kind: 'failure';
  readonly reasonCode: FallbackReason;
  readonly cause: string;
  readonly rawText: string | null;
  readonly usage: TokenUsage | null;
};
export type ModelOutcome =
  | { readonly kind: 'decision'; readonly decision: Decision; readonly usage: TokenUsage | null }
  | ModelFailure;

/** A failure without a text to record. `cause` must hold no personal text: it is stored and shown in clear. */
export const failed = (
  reasonCode: FallbackReason,
  cause: string,
  rawText: string | null = null,
  usage: TokenUsage | null = null,
): ModelFailure => ({ kind: 'failure', reasonCode, cause, rawText, usage });
