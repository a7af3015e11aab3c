import { DBOS } from '@dbos-inc/dbos-sdk';
import { askModel, callBackend } from './outside.ts';
import { judge, parseDecision } from './rules.ts';
import { serve } from './serve.ts';
import { settings } from './settings.ts';
import type { Answer, Task } from './task.ts';

/**
 * DBOS Transact: one workflow a task, its id the idempotency key; the two calls are steps, the rules are plain deterministic code between
 * them (docs.dbos.dev/typescript: workflows are deterministic, everything else is a step). Awaited in process, not through a
 * queue, which polls.
 */
DBOS.setConfig({
  name: 'bench',
  applicationVersion: '1',
  systemDatabaseUrl: settings.databaseUrl,
  systemDatabasePoolSize: settings.connections,
  logLevel: 'error',
  tracingEnabled: false,
});

const workflow = DBOS.registerWorkflow(
  async (task: Task): Promise<Answer> => {
    const decision = await DBOS.runStep(async () => parseDecision(await askModel(task)), {
      name: 'recommend',
    });
    if (judge(decision).length > 0) return { key: task.key, outcome: 'MANUAL', decision };
    await DBOS.runStep(() => callBackend(task, decision.intent), { name: 'execute' });
    return { key: task.key, outcome: 'AUTO_SUCCESS', decision };
  },
  { name: 'task' },
);

await DBOS.launch();
await serve(async (task) => {
  const handle = await DBOS.startWorkflow(workflow, { workflowID: task.key })(task);
  return handle.getResult();
});
