import type { ServerResponse } from 'node:http';
import { type RefusableServer, startRefusableServer } from './refusableServer.ts';
import { delay, resetConnection } from './stubServer.ts';

/** How the model is down; null while it is up. */
export type ModelOutage = 'unavailable' | 'limited' | 'reset' | 'stall' | 'nonsense' | null;

export type TextModel = RefusableServer & {
  outage: ModelOutage;
  /** When it was asked about each text. Milliseconds since 1970. */
  readonly asked: ReadonlyMap<string, readonly number[]>;
};

export type TextModelOptions = {
  /** The decision about a task's text. */
  readonly decide: (description: string) => unknown;
  /** How one call goes wrong while the model is up; null for not at all. */
  readonly mishap: () => ModelOutage;
  /** Milliseconds that one call takes. */
  readonly takes: () => number;
};

/** A stub of an OpenAI-compatible chat completions endpoint whose decision depends on the task's text. */
export async function startTextModel({ decide, mishap, takes }: TextModelOptions): Promise<TextModel> {
  const asked = new Map<string, number[]>();
  const server = await startRefusableServer(async (_request, body, response) => {
    const description = descriptionIn(body);
    asked.set(description, [...(asked.get(description) ?? []), Date.now()]);
    const wrong = model.outage ?? mishap();
    if (wrong !== 'stall') await delay(takes());
    answer(wrong, response, () => decide(description));
  });
  const model: TextModel = { ...server, asked, outage: null };
  return model;
}

function descriptionIn(body: string): string {
  const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
  const asked = messages.find(({ role }) => role === 'user')?.content ?? '{}';
  return (JSON.parse(asked) as { task: { description: string } }).task.description;
}

function answer(wrong: ModelOutage, response: ServerResponse, decide: () => unknown): void {
  switch (wrong) {
    case 'unavailable':
      json(response, 503, { error: { message: 'unavailable' } });
      return;
    case 'limited':
      json(response, 429, { error: { message: 'limited' } });
      return;
    case 'reset':
      resetConnection(response);
      return;
    case 'stall':
      return;
    case 'nonsense':
      json(response, 200, completion('Sure! You should retry the call.'));
      return;
    case null:
      json(response, 200, completion(JSON.stringify(decide())));
      return;
  }
}

const completion = (content: string): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 0,
  model: 'stub-model',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
  usage: { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 },
});

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
