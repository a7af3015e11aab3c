import { runStub } from './stub.ts';

/** An OpenAI-compatible model that is always sure: every task may be executed. */
const decision = {
  intent: 'RETRY_EXTERNAL_CALL',
  nextStep: 'AUTOMATED_EXECUTION',
  routeTarget: 'PARTNER_API',
  retryStrategy: 'NONE',
  riskScore: 0.1,
  confidence: 0.95,
  reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
};
const message = { role: 'assistant', content: JSON.stringify(decision), refusal: null };

runStub(
  {
    id: 'stub',
    object: 'chat.completion',
    created: 0,
    model: 'stub',
    choices: [{ index: 0, finish_reason: 'stop', message }],
    usage: { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 },
  },
  '/v1',
);
