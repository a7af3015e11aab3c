import fastify from 'fastify';
import type { Answer, Task } from './task.ts';

const schema = {
  body: {
    type: 'object',
    required: ['caseId', 'description', 'key'],
    properties: {
      caseId: { type: 'string', minLength: 1, maxLength: 64 },
      description: { type: 'string', minLength: 1, maxLength: 8192 },
      key: { type: 'string', minLength: 1, maxLength: 255 },
      serial: { type: 'boolean' },
    },
  },
} as const;

/** Serves `POST /task` on a free port of loopback, tells the parent process where (and `more`), and ends with it. */
export async function serve(
  work: (task: Task) => Promise<Answer>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const app = fastify({ keepAliveTimeout: 60_000 });
  app.post<{ Body: Task }>('/task', { schema }, ({ body }) => work(body));
  app.setErrorHandler((error, _request, reply) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return reply.code(500).send({ error: 'failed' });
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  process.send?.({ url, ...more });
}
