import { z } from 'zod';

/** What a contestant is told through its environment. */
export const settings = z
  .object({
    BENCH_DATABASE_URL: z.string(),
    BENCH_MODEL_URL: z.string(),
    BENCH_BACKEND_URL: z.string(),
    BENCH_PROMPT_FILE: z.string(),
    BENCH_CONNECTIONS: z.coerce.number(),
    BENCH_RESTATE_URL: z.string().default(''),
  })
  .transform((set) => ({
    databaseUrl: set.BENCH_DATABASE_URL,
    modelUrl: set.BENCH_MODEL_URL,
    backendUrl: set.BENCH_BACKEND_URL,
    promptFile: set.BENCH_PROMPT_FILE,
    /** How many database connections it may keep: as many as this project's service does. */
    connections: set.BENCH_CONNECTIONS,
    restateUrl: set.BENCH_RESTATE_URL,
  }))
  .parse(process.env);
