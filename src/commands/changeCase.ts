import type { Case } from '../domain/case.ts';
import {
  type Decided,
  addNote as decideAddNote,
  changeState as decideChangeState,
  recordedCommand,
} from '../domain/decide.ts';
import type { Actor, CommandKey } from '../domain/events.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { CaseState } from '../domain/vocabulary.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import { type CaseStore, type Decide, REQUEST_PATIENCE } from './caseStore.ts';
import { vaultOfCase } from './caseVault.ts';

/** Who changes a case, and the idempotency key that came with it (null without one). */
export type CommandEnvelope = {
  readonly actor: Actor;
  readonly traceparent: string | null;
  readonly sentKey: string | null;
};

/** Where the change stands in the case's stream: for a repeat, where it was recorded first. */
export type CaseChanged = {
  readonly current: Case;
  readonly revision: number;
  readonly position: bigint;
  readonly replayed: boolean;
};

type ChangeDependencies = { readonly cases: CaseStore; readonly vault: Vault };

/**
 * Changes a case's state at the revision that the client saw.
 *
 * @throws RefusedError CASE_NOT_FOUND, CASE_KEY_DESTROYED, REVISION_STALE, STATE_NOT_ALLOWED or IDEMPOTENCY_KEY_REUSED
 */
export async function changeCaseState(
  deps: ChangeDependencies,
  caseId: string,
  change: { readonly to: CaseState; readonly reason: string; readonly expected: number },
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const vault = await vaultOfCase(deps, caseId, 'caseId');
  const { to, reason, expected } = change;
  const command = commandKey(vault, envelope, { to, reason });
  return run(deps, caseId, envelope, command, (current) =>
    decideChangeState(current, to, reason, expected, command),
  );
}

/**
 * Adds a note to a case; its text is stored encrypted.
 *
 * @throws RefusedError CASE_NOT_FOUND, CASE_KEY_DESTROYED or IDEMPOTENCY_KEY_REUSED
 */
export async function addNote(
  deps: ChangeDependencies,
  caseId: string,
  text: string,
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const vault = await vaultOfCase(deps, caseId, 'caseId');
  const command = commandKey(vault, envelope, { note: text });
  return run(deps, caseId, envelope, command, (current) =>
    decideAddNote(current, {
      type: 'CaseNoteAdded',
      data: { text: vault.seal(PERSONAL_FIELDS.note, text), command },
    }),
  );
}

async function run(
  deps: ChangeDependencies,
  caseId: string,
  envelope: CommandEnvelope,
  command: CommandKey | null,
  decide: (current: Case) => Decided,
): Promise<CaseChanged> {
  const { current, replayed } = await changeByCommand(deps, caseId, null, envelope, decide);
  const { revision, position } = (replayed && recordedCommand(current, command)) || current;
  return { current, revision, position, replayed };
}

/**
 * Records what a command decides on the case as it is.
 *
 * @param taskId the task that it is about; null for none
 * @returns the case afterwards, and whether the command was a repeat
 */
export async function changeByCommand(
  { cases }: Pick<ChangeDependencies, 'cases'>,
  caseId: string,
  taskId: string | null,
  { actor, traceparent }: CommandEnvelope,
  decide: (current: Case, now: string) => Decided,
): Promise<{ readonly current: Case; readonly replayed: boolean }> {
  const context = { actor, correlationId: taskId, causationId: null, traceparent };
  const decideNow: Decide<boolean> = (current, now) => {
    const { events, replayed } = decide(current, now);
    return { events, result: replayed };
  };
  const { current, result } = await cases.change(caseId, context, decideNow, REQUEST_PATIENCE);
  return { current, replayed: result };
}

/** The keyed hashes of a command's idempotency key and of what was asked; null without a key. */
export function commandKey(vault: CaseVault, envelope: CommandEnvelope, request: unknown): CommandKey | null {
  if (envelope.sentKey === null) return null;
  return {
    keyHash: vault.hash('command-key', envelope.sentKey),
    requestHash: vault.hash('command-request', canonicalJson(request)),
  };
}
