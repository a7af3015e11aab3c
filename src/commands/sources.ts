import { ORCHESTRATOR } from '../domain/actors.ts';
import type { DomainEvent, Recorded } from '../domain/events.ts';
import { playbookStream, policyStream } from '../domain/identifiers.ts';
import { type Playbook, parsePlaybook } from '../domain/playbook.ts';
import { type Policy, parsePolicy } from '../domain/policy.ts';
import { EMPTY_HEAD, type EventLog } from '../eventstore/log.ts';

/** A policy or playbook as the log has it. */
export type RegisteredSource = {
  readonly hash: string;
  readonly name: string;
  readonly version: string;
  readonly source: string;
  readonly registeredAt: string;
};

/** Policies and playbooks by content hash, read from the log: those in force, and any that ever were. */
export type Sources = {
  /**
   * Writes policy, shadow policy (null without one) and playbook into the log, before their first use; nothing happens where they are
   * there already.
   */
  readonly register: (
    sources: { readonly policy: Policy; readonly shadow: Policy | null; readonly playbook: Playbook },
    now: string,
  ) => Promise<void>;
  readonly policy: (hash: string) => Promise<RegisteredSource | null>;
  readonly playbook: (hash: string) => Promise<RegisteredSource | null>;
  /** The policy of one hash, compiled against the playbook of another; null where the log lacks one of them. */
  readonly compiled: (policyHash: string, playbookHash: string) => Promise<Policy | null>;
};

export function createSources(log: EventLog): Sources {
  const compiledPolicies = new Map<string, Policy>();

  const find = async (stream: string): Promise<RegisteredSource | null> => {
    const [event] = await log.read(stream);
    return event && isRegistration(event) ? { ...event.data, registeredAt: event.metadata.recordedAt } : null;
  };
  const register = async (
    stream: string,
    type: 'PolicyRegistered' | 'PlaybookRegistered',
    { name, version, hash, source }: Policy | Playbook,
    now: string,
  ): Promise<void> => {
    if (await find(stream)) return;
    const event: DomainEvent = { type, data: { name, version, hash, source } };
    const context = { actor: ORCHESTRATOR, correlationId: null, causationId: null, traceparent: null, now };
    await log.append(stream, EMPTY_HEAD, [event], context);
  };

  return {
    register: async ({ policy, shadow, playbook }, now) => {
      await register(playbookStream(playbook.hash), 'PlaybookRegistered', playbook, now);
      for (const each of shadow ? [policy, shadow] : [policy])
        await register(policyStream(each.hash), 'PolicyRegistered', each, now);
    },
    policy: (hash) => find(policyStream(hash)),
    playbook: (hash) => find(playbookStream(hash)),
    compiled: async (policyHash, playbookHash) => {
      const key = `${policyHash} ${playbookHash}`;
      const known = compiledPolicies.get(key);
      if (known) return known;
      const [policy, playbook] = [
        await find(policyStream(policyHash)),
        await find(playbookStream(playbookHash)),
      ];
      if (!policy || !playbook) return null;
      const compiled = parsePolicy(
        policy.source,
        `policy ${policyHash}`,
        parsePlaybook(playbook.source, `playbook ${playbookHash}`),
      );
      compiledPolicies.set(key, compiled);
      return compiled;
    },
  };
}

const isRegistration = (
  event: Recorded,
): event is Recorded<Extract<DomainEvent, { type: 'PolicyRegistered' | 'PlaybookRegistered' }>> =>
  event.type === 'PolicyRegistered' || event.type === 'PlaybookRegistered';
