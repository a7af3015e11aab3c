import type { Automation } from '../commands/automation.ts';
import type { CaseStore } from '../commands/caseStore.ts';
import type { ReviewDependencies } from '../commands/reviews.ts';
import type { Sources } from '../commands/sources.ts';
import type { TaskRunner } from '../commands/taskRunner.ts';
import type { Playbook } from '../domain/playbook.ts';
import type { Policy } from '../domain/policy.ts';
import type { EventStore } from '../eventstore/port.ts';
import type { MakeEvidence } from '../evidence/makeEvidence.ts';
import type { ReadModels } from '../projections/queries.ts';
import type { RunnerStatus } from '../projections/runner.ts';
import type { LastVerification } from '../replay/lastVerification.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Vault } from '../vault/vault.ts';
import type { PositionTokens } from './positions.ts';

/** Everything that routes work with. */
export type ApiDependencies = {
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly sources: Sources;
  readonly automation: Automation;
  readonly runner: TaskRunner;
  readonly reviewing: ReviewDependencies;
  readonly policy: Policy;
  /** Null where no shadow policy is loaded. */
  readonly shadow: Policy | null;
  readonly playbook: Playbook;
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly projections: () => RunnerStatus;
  /** What the last verification of the log has found; null where none ever ran. */
  readonly lastVerification: LastVerification['read'];
  /** Null where nothing is signed. */
  readonly evidence: MakeEvidence | null;
  readonly positions: PositionTokens;
  readonly clock: Clock;
  /** Longest time a request waits for its outcome, in milliseconds. */
  readonly waitMs: number;
  /** Most tasks in flight before intake answers 503. */
  readonly maxInFlight: number;
  /** Prometheus text, and its media type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
};
