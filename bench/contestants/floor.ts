import pg from 'pg';
import { askModel, callBackend } from './outside.ts';
import { serve } from './serve.ts';
import { settings } from './settings.ts';
import type { Answer, Task } from './task.ts';

/**
 * The floor: the same calls and three plain inserts a task, no logic. It neither recognises a repeated key nor finishes what a crash
 * interrupts; nobody should run it. It shows what the durable commits and the calls alone cost.
 */
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.connections });
await pool.query(`
  CREATE TABLE received (key text PRIMARY KEY, case_id text NOT NULL, description text NOT NULL, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE decided (key text PRIMARY KEY, decision text NOT NULL, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE done (key text PRIMARY KEY, outcome text NOT NULL, at timestamptz NOT NULL DEFAULT now());
`);
const RECEIVE = {
  name: 'receive',
  text: 'INSERT INTO received (key, case_id, description) VALUES ($1, $2, $3)',
};
const DECIDE = { name: 'decide', text: 'INSERT INTO decided (key, decision) VALUES ($1, $2)' };
const FINISH = { name: 'finish', text: 'INSERT INTO done (key, outcome) VALUES ($1, $2)' };

async function work(task: Task): Promise<Answer> {
  const { key, caseId, description } = task;
  await pool.query({ ...RECEIVE, values: [key, caseId, description] });
  const decision = await askModel(task);
  await pool.query({ ...DECIDE, values: [key, decision] });
  await callBackend(task, 'RETRY_EXTERNAL_CALL');
  await pool.query({ ...FINISH, values: [key, 'AUTO_SUCCESS'] });
  return { key, outcome: 'AUTO_SUCCESS', decision: JSON.parse(decision) };
}

await serve(work);
