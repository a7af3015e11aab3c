import { completionWith } from '../load/completion.ts';
import { CONFIDENT_RETRY } from './stubModel.ts';
import { type SwitchableStub, startSwitchableStub } from './stubServer.ts';

/** A model that can be told to hold back its answers, and to give them: a slow one that no test has to wait for. */
export type HeldModel = Pick<SwitchableStub<unknown>, 'calls' | 'stop'> & {
  /** The base URL for an OpenAI-compatible client. */
  readonly baseUrl: string;
  /** From now on nothing is answered. */
  readonly hold: () => void;
  /** Answers what was held back, and everything from now on. */
  readonly release: () => void;
};

export async function startHeldModel(): Promise<HeldModel> {
  let release = (): void => {};
  const { stub, url } = await startSwitchableStub<Promise<void>>(Promise.resolve(), (held, response) => {
    void held.then(() => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(completionWith(JSON.stringify(CONFIDENT_RETRY))));
    });
  });
  return {
    baseUrl: `${url}/v1`,
    calls: stub.calls,
    stop: stub.stop,
    hold: () => {
      stub.mode = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => {
      release();
      stub.mode = Promise.resolve();
    },
  };
}
