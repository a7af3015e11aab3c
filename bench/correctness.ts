import { caseIdOf } from './load/orders.ts';
import { type Measured, sendTask, type Visiting } from './visiting.ts';

/** What a contestant did, counted where it cannot know. */
export type Correctness = {
  /** Everything that must hold, and does not; empty: correct. */
  readonly problems: readonly string[];
  readonly tasks: number;
  /** What a repeated key does: the recorded answer and no further call, or the work again. Told, not judged. */
  readonly repeat: 'recorded answer' | 'works again' | 'refused' | null;
};

const REPEATS = 20;

/** Every task answered once, the backend called once for each key, and every task there afterwards. */
export async function checkCorrectness(visiting: Visiting, runs: readonly Measured[]): Promise<Correctness> {
  const { outside, serving } = visiting;
  // And the very first one, before all runs.
  const answered = runs.reduce((sum, run) => sum + run.answered, 0) + 1;
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  const backend = await outside.backendCounts();
  const model = await outside.modelCounts();
  const done = await serving.done();
  const problems: string[] = [];
  const claim = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  claim(failed === 0, `${failed} tasks were not answered as due (${firstFailure(runs)})`);
  claim(backend.keys === answered, `${answered} tasks answered, ${backend.keys} keys at the backend`);
  claim(
    backend.mostCallsOfOneKey <= 1,
    `the backend was called ${backend.mostCallsOfOneKey} times for one key`,
  );
  claim(backend.calls === backend.keys, `${backend.calls} calls of the backend, ${backend.keys} keys`);
  claim(model.calls === answered, `${answered} tasks answered, ${model.calls} calls of the model`);
  claim(done === answered, `${answered} tasks answered, ${done} are in its store as done`);
  return { problems, tasks: answered, repeat: await repeats(visiting) };
}

const firstFailure = (runs: readonly Measured[]): string =>
  runs.find((run) => run.firstFailure !== null)?.firstFailure ?? 'unknown';

async function repeats({ outside, serving }: Visiting): Promise<Correctness['repeat']> {
  const before = await outside.backendCounts();
  let refused = 0;
  for (let number = 0; number < REPEATS; number += 1) {
    const { statusCode } = await sendTask(serving, `warm-${number}`, caseIdOf(number));
    if (statusCode !== 200) refused += 1;
  }
  const after = await outside.backendCounts();
  if (refused > 0) return 'refused';
  return after.calls === before.calls ? 'recorded answer' : 'works again';
}
