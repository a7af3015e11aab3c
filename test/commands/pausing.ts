import { createAutomation, type PauseCommand } from '../../src/commands/automation.ts';
import type { AutomationState } from '../../src/domain/automation.ts';
import type { Actor } from '../../src/domain/events.ts';
import { AUTOMATION_STREAM } from '../../src/domain/identifiers.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import { playbook } from '../support/builders.ts';
import { until } from '../support/until.ts';
import { watchedStore } from '../support/watchedStore.ts';
import { createOutside } from '../support/world.ts';

export const NAMES = { INTENT: Object.keys(playbook.intents), BACKEND: Object.keys(playbook.backends) };
export const ERIKA: Actor = { kind: 'person', id: 'erika', roles: ['SUPERVISOR'], authMethod: 'oidc' };
export const command = (changes: Partial<PauseCommand> = {}): PauseCommand => ({
  target: { scope: 'ALL', name: null },
  reason: 'BECAUSE',
  actor: ERIKA,
  traceparent: null,
  sentKey: null,
  ...changes,
});
/** Not to be found anywhere in the log. */
export const KEY = 'pause-of-friday';
export const scopesOf = ({ pauses }: Pick<AutomationState, 'pauses'>): string[] =>
  pauses.map(({ scope }) => scope);

/** A process of its own on a log that others may have, too. */
export function join(outside = createOutside()) {
  const store = watchedStore(outside.store);
  const log = createEventLog(store, outside.newId);
  const automation = createAutomation(log, outside.clock, NAMES);
  return { outside, store, log, automation, events: () => log.read(AUTOMATION_STREAM) };
}

/** A process whose reads of the stream wait until they are let through. */
export function joinHeld(outside = createOutside()) {
  const held: { readonly from: number; readonly answer: (fail?: Error) => void }[] = [];
  let begun = 0;
  const readStream: EventStore['readStream'] = async (stream, from, limit) => {
    begun += 1;
    // What a read says is what was there when it began.
    const events = await outside.store.readStream(stream, from, limit);
    await new Promise<void>((resolve, reject) => {
      held.push({ from, answer: (fail) => (fail ? reject(fail) : resolve()) });
    });
    return events;
  };
  const log = createEventLog({ ...outside.store, readStream }, outside.newId);
  return {
    outside,
    automation: createAutomation(log, outside.clock, NAMES),
    begun: () => begun,
    /** Lets the oldest read that waits go through, or fail. */
    answer: async (fail?: Error) => {
      const { answer } = await until('a read is held', () => held.shift());
      answer(fail);
    },
    answerNewest: async () => {
      const { answer } = await until('a read is held', () => held.pop());
      answer();
    },
  };
}
