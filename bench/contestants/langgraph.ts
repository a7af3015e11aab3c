import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { askModel, callBackend } from './outside.ts';
import { type Decision, judge, parseDecision } from './rules.ts';
import { serve } from './serve.ts';
import { settings } from './settings.ts';
import type { Outcome, Task } from './task.ts';

/**
 * LangGraph with its Postgres checkpointer: one thread a task, its id the idempotency key; durability 'sync', so that each step is durable
 * before the next one starts (docs.langchain.com, durable execution). Two nodes are the fewest for two side effects. Not the functional
 * API: seen here with 'sync' too, it commits even the input only after both calls.
 */
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.connections });
const checkpointer = new PostgresSaver(pool);
await checkpointer.setup();

const State = Annotation.Root({
  task: Annotation<Task>,
  decision: Annotation<Decision>,
  outcome: Annotation<Outcome>,
});

const graph = new StateGraph(State)
  .addNode('recommend', async ({ task }) => ({ decision: parseDecision(await askModel(task)) }))
  .addNode('execute', async ({ task, decision }) => {
    await callBackend(task, decision.intent);
    return { outcome: 'AUTO_SUCCESS' as const };
  })
  .addNode('leaveToPerson', () => ({ outcome: 'MANUAL' as const }))
  .addEdge(START, 'recommend')
  .addConditionalEdges('recommend', ({ decision }) =>
    judge(decision).length === 0 ? 'execute' : 'leaveToPerson',
  )
  .addEdge('execute', END)
  .addEdge('leaveToPerson', END)
  .compile({ checkpointer });

await serve(async (task) => {
  const config = { configurable: { thread_id: task.key }, durability: 'sync' as const };
  const { decision, outcome } = await graph.invoke({ task }, config);
  return { key: task.key, outcome, decision };
});
