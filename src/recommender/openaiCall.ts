import { decisionContract } from '../domain/decisionContract.ts';
import type { Playbook } from '../domain/playbook.ts';
import { readCompletion } from './completion.ts';
import { type ClientOptions, createClient, responseFormat } from './openaiClient.ts';
import { type FailedCall, sortFailure } from './openaiFailures.ts';
import type { ModelOutcome } from './outcome.ts';
import type { RecommendationRequest } from './port.ts';
import { userMessage } from './prompt.ts';

/** Asks the model once. Never rejects; an answer that was received is an outcome, anything else a failed call. */
export type ModelCall = (
  request: RecommendationRequest,
  signal: AbortSignal,
) => Promise<ModelOutcome | FailedCall>;

/**
 * Prepares calls of one model: client, contract and format are built once.
 *
 * @throws when the key is empty, or the playbook's words make no valid schema
 */
export function createModelCall(
  options: ClientOptions & { readonly playbook: Playbook; readonly model: string; readonly system: string },
): ModelCall {
  const contract = decisionContract(options.playbook);
  const format = responseFormat(contract);
  const client = createClient(options);
  return async (request, signal) => {
    try {
      // The raw response, not `parse`: what `parse` throws does not hold the text that broke the contract.
      const response = await client.chat.completions
        .create(
          {
            model: options.model,
            messages: [
              { role: 'system', content: options.system },
              { role: 'user', content: userMessage(request) },
            ],
            response_format: format,
          },
          { signal },
        )
        .asResponse();
      return readCompletion(await response.text(), contract);
    } catch (error) {
      return sortFailure(error);
    }
  };
}
