import { z } from 'zod';
import type { Decision } from '../domain/decision.ts';
import { failed, type ModelOutcome } from './outcome.ts';
import type { TokenUsage } from './port.ts';
import { recordableText } from './rawText.ts';

const tokens = z.int().min(0);
const usageShape = z.object({ prompt_tokens: tokens, completion_tokens: tokens });

/** The part of a chat completion that is read; compatible servers add and leave out all sorts of other things. */
const completionShape = z.object({
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish(),
      message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
    }),
  ),
  usage: z.unknown(),
});

/**
 * Reads the body of a chat completion under the decision contract.
 *
 * @param body the whole body as received
 * @returns the decision, or how the answer broke the contract together with its text
 */
export function readCompletion(body: string, contract: z.ZodType<Decision>): ModelOutcome {
  const envelope = parseJson(body);
  const completion = completionShape.safeParse(envelope);
  if (!completion.success) {
    const cause = envelope === undefined ? 'the body is not JSON' : 'the body is no chat completion';
    return failed('AI_INVALID_RESPONSE', cause, recordableText(body));
  }
  const usage = readUsage(completion.data.usage);
  const choice = completion.data.choices[0];
  if (choice === undefined) {
    return failed('AI_INVALID_RESPONSE', 'no choices', recordableText(body), usage);
  }
  const { content, refusal } = choice.message;
  if (refusal) return failed('AI_REFUSED', 'refusal', recordableText(refusal), usage);
  const raw = recordableText(content ?? '');
  if (choice.finish_reason === 'content_filter') {
    return failed('AI_REFUSED', 'finish_reason content_filter', raw, usage);
  }
  if (choice.finish_reason === 'length') {
    return failed('AI_INVALID_RESPONSE', 'finish_reason length', raw, usage);
  }
  if (!content) return failed('AI_INVALID_RESPONSE', 'no content', recordableText(body), usage);
  const value = parseJson(content);
  if (value === undefined) return failed('AI_INVALID_RESPONSE', 'the answer is not JSON', raw, usage);
  const decision = contract.safeParse(value);
  if (decision.success) return { kind: 'decision', decision: decision.data, usage };
  return failed('AI_INVALID_RESPONSE', brokenKeys(decision.error), raw, usage);
}

/** Which keys of the contract are wrong. Only its own keys are named: an extra key's name is the model's text. */
function brokenKeys(error: z.ZodError): string {
  const named = error.issues.map((issue) =>
    issue.code === 'unrecognized_keys' ? 'extra keys' : String(issue.path[0] ?? 'not an object'),
  );
  return `the answer breaks the contract: ${[...new Set(named)].join(', ')}`;
}

function readUsage(value: unknown): TokenUsage | null {
  const usage = usageShape.safeParse(value);
  if (!usage.success) return null;
  return { inputTokens: usage.data.prompt_tokens, outputTokens: usage.data.completion_tokens };
}

/** The value of a JSON text; undefined, which no JSON text has, when it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
