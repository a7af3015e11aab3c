import { canonicalJson } from '../../../src/domain/hash.ts';
import type { RefusedError } from '../../../src/domain/refusal.ts';
import type { Clients } from '../clients.ts';
import type { Fleet } from '../fleet.ts';
import type { KeyRing } from '../keyRing.ts';
import type { TaskPlan } from '../scenario.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';

/** When all is quiet every task is sent once more: it is answered from the log, at once, and nothing happens (rule 4). */
export async function askAgain(
  { violate }: World,
  fleet: Fleet,
  clients: Clients,
  book: Book,
  { textOf }: Pick<KeyRing, 'textOf'>,
  plans: readonly TaskPlan[],
): Promise<void> {
  const [process] = fleet.serving();
  if (!process) return;
  const before = eventsOf(book);
  for (const task of book.tasks()) {
    const plan = plans.find(
      ({ description, caseId }) => description === textOf(task) && caseId === task.caseId,
    );
    if (!plan) {
      violate('accepted is recorded', `${task.taskId} is in the log, and nobody sent it`);
      continue;
    }
    const answer = await clients.ask(plan, process, 0).catch((error: unknown) => error as RefusedError);
    if (answer instanceof Error) {
      const isErased = book.cases.get(task.caseId)?.isErased === true;
      if (!isErased || answer.code !== 'CASE_KEY_DESTROYED')
        violate('an answer stays', `${task.taskId} asked again: ${answer.message}`);
      continue;
    }
    const { task: answered, replayed } = answer;
    const isSame =
      replayed &&
      answered.taskId === task.taskId &&
      answered.outcome === task.outcome &&
      canonicalJson(answered.decision) === canonicalJson(task.decision);
    if (!isSame)
      violate('an answer stays', `${task.taskId} asked again: ${answered.status} ${answered.outcome}`);
  }
  const more = eventsOf(book) - before;
  if (more > 0) violate('a repeat does nothing', `${more} events more`);
}

/** A deadline may pass meanwhile. */
const eventsOf = ({ cases }: Book): number =>
  [...cases.values()].flatMap(({ events }) => events).filter(({ type }) => type !== 'ReviewOverdue').length;
