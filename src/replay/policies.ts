import type { Recorded, SourceRegistered } from '../domain/events.ts';
import { playbookStream, policyStream } from '../domain/identifiers.ts';
import { type Playbook, parsePlaybook } from '../domain/playbook.ts';
import { type Policy, parsePolicy } from '../domain/policy.ts';
import type { Codec } from '../eventstore/codec.ts';
import type { LogReader } from './readEvents.ts';

/** What a verdict was made under, from the log; or why it cannot be had. */
export type Compiled =
  | {
      readonly kind: 'compiled';
      readonly policy: Policy;
      readonly playbook: Playbook;
      /** Where they entered the log. */
      readonly since: readonly bigint[];
    }
  | { readonly kind: 'missing' | 'unreadable'; readonly problem: string };

/** Policies by content hash, each compiled once against the playbook of another hash. */
export type Policies = (policyHash: string, playbookHash: string) => Promise<Compiled>;

/** A company has a few; what is beyond that is compiled again. */
const MOST_KEPT = 200;

export function createPolicies(store: Pick<LogReader, 'readStream'>, codec: Codec): Policies {
  const kept = new Map<string, Promise<Compiled>>();
  return (policyHash, playbookHash) => {
    const key = `${policyHash} ${playbookHash}`;
    const known = kept.get(key);
    if (known) return known;
    const [oldest] = kept.keys();
    if (kept.size >= MOST_KEPT && oldest !== undefined) kept.delete(oldest);
    const compiled = compile(store, codec, policyHash, playbookHash);
    kept.set(key, compiled);
    return compiled;
  };
}

async function compile(
  store: Pick<LogReader, 'readStream'>,
  codec: Codec,
  policyHash: string,
  playbookHash: string,
): Promise<Compiled> {
  const policySource = await registered(store, codec, policyStream(policyHash));
  if (policySource === null) return { kind: 'missing', problem: 'its policy is not in the log' };
  const playbookSource = await registered(store, codec, playbookStream(playbookHash));
  if (playbookSource === null) return { kind: 'missing', problem: 'its playbook is not in the log' };
  try {
    const playbook = parsePlaybook(playbookSource.source, 'playbook');
    const policy = parsePolicy(policySource.source, 'policy', playbook);
    if (policy.hash !== policyHash || playbook.hash !== playbookHash)
      return { kind: 'unreadable', problem: 'its policy or playbook is not what its hash says' };
    const since = [policySource.position, playbookSource.position];
    return { kind: 'compiled', policy, playbook, since };
  } catch {
    return { kind: 'unreadable', problem: 'its policy or playbook cannot be read by this version' };
  }
}

type Source = { readonly source: string; readonly position: bigint };

/** The source that a stream of a policy or playbook holds, and where it entered the log; null where it holds none that can be read. */
export async function registered(
  store: Pick<LogReader, 'readStream'>,
  codec: Codec,
  stream: string,
): Promise<Source | null> {
  const [raw] = await store.readStream(stream, 0, 1);
  if (!raw || !/^(Policy|Playbook)Registered$/.test(raw.type)) return null;
  try {
    const { data, position } = codec.decode(raw) as Recorded<SourceRegistered>;
    return { source: data.source, position };
  } catch {
    return null;
  }
}
