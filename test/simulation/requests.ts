import { RefusedError } from '../../src/domain/refusal.ts';
import type { Engine } from '../../src/engine.ts';
import type { Fleet, Process } from './fleet.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** A process that takes requests. */
export type Serving = Process & { readonly engine: Engine };

/** How requests get to processes, and what becomes of them. */
export type Requests = {
  /** A process that serves; waits for one where there is none. */
  readonly somebody: () => Promise<Serving>;
  /** Does work in a process: when something reaches it, or never. */
  readonly within: <T>(host: Host, work: () => Promise<T>) => Promise<T>;
  /** What somebody makes of a request: its answer, why it was refused, or nothing: an error, or silence. */
  readonly request: <T>(work: () => Promise<T>) => Promise<T | RefusedError | null>;
  /** Whether no living process works on a request, even one that was given up. */
  readonly areDone: () => boolean;
};

/** After so long without an answer a client gives up on a request, in milliseconds. */
const PATIENCE_MS = 5_000;
/** So long a client waits before it tries again. */
export const AGAIN_MS = 400;

export function createRequests({ timeline, random }: World, fleet: Fleet): Requests {
  /** Hosts of the requests that are worked on, one entry each. */
  const works: Host[] = [];
  const within = <T>(host: Host, work: () => Promise<T>): Promise<T> => {
    works.push(host);
    const reached = new Promise<T>((resolve, reject) =>
      host.deliver(() => void work().then(resolve, reject)),
    );
    return reached.finally(() => works.splice(works.indexOf(host), 1));
  };
  return {
    within,
    somebody: async () => {
      for (;;) {
        const serving = fleet.serving();
        if (serving.length > 0) return random.pick(serving);
        await timeline.sleep(AGAIN_MS);
      }
    },
    request: async (work) => {
      const silence = timeline.sleep(PATIENCE_MS).then(() => null);
      const answer = work().catch((error: unknown) => (error instanceof RefusedError ? error : null));
      return Promise.race([answer, silence]);
    },
    areDone: () => works.every((host) => !host.isAlive()),
  };
}
