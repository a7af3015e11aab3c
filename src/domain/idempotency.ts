import type { CommandKey } from './events.ts';
import { RefusedError } from './refusal.ts';

/**
 * Whether a command is the repeat of what was recorded under its key.
 *
 * @param recorded what was recorded under the command's key; undefined where nothing was
 * @throws RefusedError IDEMPOTENCY_KEY_REUSED when the key came first with another request
 */
export function isSameRequest<R extends Pick<CommandKey, 'requestHash'>>(
  recorded: R | undefined,
  command: CommandKey | null,
): recorded is R {
  if (!recorded) return false;
  if (recorded.requestHash === command?.requestHash) return true;
  throw new RefusedError(
    'IDEMPOTENCY_KEY_REUSED',
    'the same Idempotency-Key came first with another request; send a new one',
    'Idempotency-Key',
  );
}
