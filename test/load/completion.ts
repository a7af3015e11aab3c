/** The body of a chat completion with this text as its answer, as OpenAI-compatible servers send it. */
export function completionWith(content: string): object {
  const choice = { index: 0, finish_reason: 'stop', message: { role: 'assistant', content } };
  const usage = { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 };
  return { id: 'stub', object: 'chat.completion', created: 0, choices: [choice], usage };
}
