import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Behaviour, Counts, Order, Told } from './stubs.ts';

/** The world around a service under load: a model and a backend that listen in another process. */
export type Outside = {
  /** The base URL for an OpenAI-compatible client. */
  readonly modelUrl: string;
  readonly backendUrl: string;
  /** Resolves when they behave so. */
  readonly behave: (behaviour: Partial<Behaviour>) => Promise<void>;
  readonly counts: () => Promise<Counts>;
  readonly stop: () => Promise<void>;
};

export async function startOutside(): Promise<Outside> {
  const child = fork(new URL('./stubs.ts', import.meta.url), [], { execArgv: [] });
  const ended = once(child, 'exit');
  const answer = async <T extends Told>(order: Order | null): Promise<T> => {
    const told = Promise.race([
      once(child, 'message'),
      ended.then(() => {
        throw new Error('the process of model and backend ended');
      }),
    ]);
    if (order !== null) child.send(order);
    return ((await told) as [T])[0];
  };
  const { modelUrl, backendUrl } = await answer<{ modelUrl: string; backendUrl: string }>(null);
  let now: Behaviour = { model: 'answer', backend: 'answer' };
  return {
    modelUrl,
    backendUrl,
    behave: async (behaviour) => {
      now = { ...now, ...behaviour };
      await answer(now);
    },
    counts: () => answer<Counts>('count'),
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}
