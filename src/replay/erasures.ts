import type { Timer } from '../runtime/clock.ts';
import type { Findings } from './findings.ts';
import type { Decoded } from './readEvents.ts';

/** Whether a case has a key. Asked only of cases that were erased; the key itself is never read. */
export type KeyExists = (caseId: string) => Promise<boolean>;

/** An erasure is recorded before the key goes: so often it is looked again, with a pause of so many milliseconds. */
const LOOKS = 5;
const PAUSE_MS = 400;

/**
 * Checks that an erased case has no key.
 *
 * @param events of the case
 */
export async function verifyErasure(
  caseId: string,
  events: readonly Decoded[],
  { keyExists, clock }: { readonly keyExists: KeyExists | null; readonly clock: Pick<Timer, 'sleep'> },
  findings: Findings,
): Promise<void> {
  const erasure = events.find(({ raw }) => raw.type === 'CaseErased');
  if (!erasure || !keyExists) return;
  for (let look = 1; await keyExists(caseId); look += 1) {
    if (look === LOOKS)
      return findings.mismatch('ERASURE', erasure.raw, 'the case was erased, and its key is still there');
    await clock.sleep(PAUSE_MS);
  }
}
