import type { Decision, FallbackReason } from '../domain/decision.ts';

/** What a recommender may see: the task and the case context (DESIGN section 6). The description is data, not instructions. */
export type RecommendationRequest = {
  readonly task: { readonly description: string; readonly channel: string; readonly userRole: string };
  readonly case: {
    readonly caseState: string;
    readonly retryCount: number;
    readonly lastErrorType: string | null;
    readonly priority: string;
  };
};

export type TokenUsage = { readonly inputTokens: number; readonly outputTokens: number };

type Provenance = {
  /** Who was asked, such as `openai` or `local`. */
  readonly provider: string;
  /** Which model; null where there is none. */
  readonly model: string | null;
  /** SHA-256 of the prompt that was sent; null where there is none. */
  readonly promptHash: string | null;
  readonly usage: TokenUsage | null;
  readonly durationMs: number;
};

/** A recommendation that keeps the contract, or why there is none. */
export type Recommendation = Provenance &
  (
    | { readonly kind: 'decision'; readonly source: 'model' | 'local'; readonly decision: Decision }
    | {
        readonly kind: 'failure';
        readonly reasonCode: FallbackReason;
        /** A short technical cause without personal text, such as `HTTP 429` or `finish_reason length`. */
        readonly cause: string;
        /** The raw answer where it broke the contract (personal; encrypted and cut by whoever records it). */
        readonly rawText: string | null;
      }
  );

export type Recommender = {
  /** One line for the start banner: who recommends, and where text is sent. */
  readonly describe: () => string;
  /**
   * Recommends. Never rejects: any failure, a time-out included, is a `failure` value.
   *
   * @param signal aborts the call, on shutdown
   */
  readonly recommend: (request: RecommendationRequest, signal: AbortSignal) => Promise<Recommendation>;
};
