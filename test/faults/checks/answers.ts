import pLimit from 'p-limit';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Book } from '../book.ts';
import type { Journal } from '../journal.ts';
import type { Ledger, LedgerTask, Told } from '../ledger.ts';
import { ask } from '../request.ts';
import type { Stage } from '../stage.ts';

const AT_ONCE = 8;
const AT_REST = ['COMPLETED', 'IN_REVIEW', 'REJECTED', 'CANCELLED'];

/**
 * Whoever was told a 2xx may forget about it: the task is in the log, it is settled or waits for a person, and whoever asks again is
 * told the same.
 */
export async function checkAnswers({ slots, journal }: Stage, ledger: Ledger, book: Book): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const answered = ledger.tasks.filter(({ told }) => told.length > 0);
  await Promise.all(
    answered.map((task, index) =>
      limit(() => checkTask(slots[index % slots.length]?.url() ?? '', task, book, journal)),
    ),
  );
}

async function checkTask(url: string, task: LedgerTask, book: Book, journal: Journal): Promise<void> {
  const first = task.told[0];
  if (!first) return;
  const { taskId } = first;
  const story = book.stories.get(taskId)?.task;
  if (!story) return journal.violate('nothing is lost', task.key, `the log has no task ${taskId}`);
  if (!AT_REST.includes(story.status)) {
    journal.violate('every task settles or waits for a person', taskId, `it is ${story.status}`);
  }
  const again = await ask(url, 'POST', '/case-task', {
    body: { case_id: task.caseId, description: task.description, channel: 'SYSTEM', user_role: 'OPS' },
    headers: { 'idempotency-key': task.key },
  });
  if (again?.status !== 200 || !again.replayed) {
    return journal.violate('a repeat is answered', taskId, `${again?.status} ${JSON.stringify(again?.body)}`);
  }
  const now = again.body as unknown as Told;
  for (const told of task.told) {
    const differing = (['taskId', 'receivedAt', 'outcome', 'decision'] as const).filter(
      (field) => told[field] !== null && canonicalJson(told[field]) !== canonicalJson(now[field]),
    );
    if (differing.length === 0) continue;
    const what = differing.map(
      (field) => `${field} was ${JSON.stringify(told[field])}, is ${JSON.stringify(now[field])}`,
    );
    journal.violate('what was told is still told', taskId, what.join('; '));
  }
}
