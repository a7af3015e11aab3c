import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { SealedEvent } from '../domain/seal.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { TrustedKeys } from '../seals/keys.ts';
import { sealedEventOf } from '../seals/leaves.ts';
import { rootOf } from '../seals/statement.ts';
import type { LogReader } from './readEvents.ts';
import type { SealsReport } from './report.ts';
import { type SealSourceDependencies, sealPairs } from './sealSources.ts';
import { createStatementCheck, type ExpectedSeal } from './sealStatements.ts';
import { createWanderers, openWindow, type Window } from './sealWindow.ts';

export type SealCheckDependencies = SealSourceDependencies & {
  readonly store: LogReader;
  /** Null where the log does not say. */
  readonly logId: string | null;
  /** Keys whose signatures are believed. */
  readonly trusted: TrustedKeys;
};

/** Holds a log against its seals while it is walked through in its order. Holds what two seals cover, and no more. */
export type SealCheck = {
  readonly add: (events: readonly ReadEvent[]) => Promise<void>;
  /** Tells what only the end of the log says. Null where nothing was ever sealed. */
  readonly finish: () => Promise<SealsReport | null>;
};

type Leaf = SealedEvent & Pick<ReadEvent, 'position' | 'metadata'>;

export function createSealCheck(deps: SealCheckDependencies): SealCheck {
  const { findings, anchor } = deps;
  const pairs = sealPairs(deps);
  const statements = createStatementCheck(deps.logId, deps.trusted, findings);
  const wanderers = createWanderers(findings);
  const unsealed = createUnsealed();
  const ahead: ExpectedSeal[] = [];
  let waiting: Leaf[] = [];
  let window: Window | null = null;
  let reached = -1n;
  let sealed = 0;
  let isLost = false;

  /** The seal that comes next, or the one behind it; null where there is none. */
  const expected = async (index: 0 | 1): Promise<ExpectedSeal | null> => {
    while (ahead.length <= index) {
      const { value: pair } = await pairs.next();
      if (!pair) return null;
      const seal = statements.check(pair);
      if (seal) ahead.push(seal);
    }
    return ahead[index] ?? null;
  };

  /** Whether the window has ended. What it has of the log is taken. */
  const drain = (open: Window, isLast: boolean): boolean => {
    const end = waiting.findIndex((event) => !open.take(event));
    const taken = end < 0 ? waiting : waiting.slice(0, end);
    reached = taken.at(-1)?.position ?? reached;
    waiting = waiting.slice(taken.length);
    if (end < 0 && !isLast) return false;
    open.close();
    return true;
  };

  /** Takes what a seal covers, where it is as it was sealed; else opens the window in which it is found out what is not. */
  const begin = async (seal: ExpectedSeal): Promise<Window | null> => {
    const { count } = seal.statement;
    const covered = waiting.slice(0, count);
    if (!isAsSealed(seal, covered)) {
      const asFarAsKnown = { ...seal, isBehindGap: seal.isBehindGap || isLost };
      return openWindow({ ...deps, wanderers }, asFarAsKnown, await expected(1), reached);
    }
    reached = covered.at(-1)?.position ?? reached;
    waiting = waiting.slice(count);
    return null;
  };

  /** Whether to go on: false where no seal is left, or more of the log is needed. */
  const step = async (isLast: boolean): Promise<boolean> => {
    const seal = await expected(0);
    const isEnough = isLast || window !== null || waiting.length >= (seal?.statement.count ?? 0);
    if (!seal || !isEnough) return false;
    window ??= await begin(seal);
    if (window !== null && !drain(window, isLast)) return false;
    isLost = window?.isLost ?? false;
    window = null;
    sealed += seal.statement.count;
    ahead.shift();
    return true;
  };

  const settle = async (isLast: boolean): Promise<void> => {
    while (await step(isLast));
    if ((await expected(0)) !== null) return;
    for (const event of waiting) if (!wanderers.isMoved(event)) unsealed.add(event);
    waiting = [];
  };

  return {
    add: async (events) => {
      const isSealed = (await expected(0)) !== null;
      for (const event of events) waiting.push(isSealed ? leafOf(event) : { ...event, hash: '' });
      await settle(false);
    },
    finish: async () => {
      await settle(true);
      wanderers.finish();
      const keys = statements.keys();
      if (keys.length === 0) return null;
      if (anchor === 'MISSING')
        findings.notReplayed('ANCHOR_MISSING', { stream: SEAL_STREAM, revision: null });
      return {
        anchor: anchor === null ? 'NONE' : anchor === 'MISSING' ? 'MISSING' : 'READ',
        ...statements.counts(),
        lastSealedAt: statements.lastSealedAt(),
        keys: keys.map((key) => ({ ...key })),
        sealedEvents: sealed,
        ...unsealed.report(),
      };
    },
  };
}

const leafOf = (event: ReadEvent): Leaf => ({
  ...sealedEventOf(event),
  position: event.position,
  metadata: event.metadata,
});

function isAsSealed({ statement, leaves }: ExpectedSeal, covered: readonly SealedEvent[]): boolean {
  if (covered.length < statement.count) return false;
  if (!leaves) return rootOf(covered) === statement.root;
  return leaves.every(({ stream, revision, hash }, index) => {
    const event = covered[index];
    return event?.stream === stream && event.revision === revision && event.hash === hash;
  });
}

type Unsealed = Pick<SealsReport, 'unsealedEvents' | 'unsealedSince'>;

/** Counts what no seal covers yet. Seals are no news. */
function createUnsealed(): { readonly add: (event: Leaf) => void; readonly report: () => Unsealed } {
  let [events, since]: [number, string | null] = [0, null];
  return {
    add: ({ stream, metadata }) => {
      if (stream === SEAL_STREAM) return;
      events += 1;
      since ??= recordedAt(metadata);
    },
    report: () => ({ unsealedEvents: events, unsealedSince: since }),
  };
}

function recordedAt(metadata: string): string | null {
  try {
    const { recordedAt: time } = JSON.parse(metadata) as { readonly recordedAt?: unknown };
    return typeof time === 'string' && !Number.isNaN(Date.parse(time)) ? new Date(time).toISOString() : null;
  } catch {
    return null;
  }
}
