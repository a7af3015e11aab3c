import { type Started, startProgram } from './processes.ts';
import type { StubCounts, StubOrder } from './stubs/stub.ts';

/** The model and the backend that every contestant calls, each a process of its own. */
export type Outside = {
  readonly modelUrl: string;
  readonly backendUrl: string;
  readonly pids: readonly number[];
  readonly setDelays: (modelMs: number, backendMs: number) => Promise<void>;
  readonly modelCounts: () => Promise<StubCounts>;
  readonly backendCounts: () => Promise<StubCounts>;
  readonly stop: () => Promise<void>;
};

/** Starts both, answering at once. */
export async function startOutside(logFile: string): Promise<Outside> {
  const start = (name: string): Promise<Started> =>
    startProgram(`stubs/${name}.ts`, { args: ['--delay-ms', '0'], logFile });
  const [model, backend] = await Promise.all([start('model'), start('backend')]);
  const order = (stub: Started, what: StubOrder): Promise<StubCounts> => stub.ask<StubCounts>(what);
  return {
    modelUrl: (model.told as { url: string }).url,
    backendUrl: (backend.told as { url: string }).url,
    pids: [model.pid, backend.pid],
    setDelays: async (modelMs, backendMs) => {
      await Promise.all([order(model, { delayMs: modelMs }), order(backend, { delayMs: backendMs })]);
    },
    modelCounts: () => order(model, {}),
    backendCounts: () => order(backend, {}),
    stop: async () => {
      await Promise.all([model.stop(), backend.stop()]);
    },
  };
}
