import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/postgres/embedded/startEmbeddedPostgres.ts';
import { postmasterOf } from '../support/embedded.ts';

/** A Postgres of the run's own, with fsync, that is there to be killed. Its port changes with every start. */
export type OwnPostgres = {
  /** Straight to it, beside every link. */
  readonly url: () => string;
  readonly port: () => number;
  readonly isUp: () => boolean;
  /** kill -9, if it runs; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** For good: a start that comes after it does nothing. */
  readonly stop: () => Promise<void>;
};

export async function startOwnPostgres(dataDir: string): Promise<OwnPostgres> {
  let running: EmbeddedPostgres | null = null;
  let gone = Promise.resolve();
  let stopped = false;
  const start = async (): Promise<void> => {
    if (running || stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const started = await startEmbeddedPostgres({
      dataDir,
      databases: ['case_orchestrator'],
      onUnexpectedExit: () => {
        running = null;
        resolve();
      },
    });
    running = started;
    gone = promise;
  };
  const url = (): string => {
    if (!running) throw new Error('Postgres is down');
    return running.url;
  };
  await start();
  return {
    url,
    port: () => Number(new URL(url()).port),
    isUp: () => running !== null,
    kill: async () => {
      if (!running) return;
      process.kill(await postmasterOf(dataDir), 'SIGKILL');
      await gone;
    },
    start,
    stop: async () => {
      stopped = true;
      await running?.stop();
      running = null;
    },
  };
}
