import { SealAlarmError } from './alarm.ts';
import type { TrustedKeys } from './keys.ts';
import { type Seal, signatureProblem } from './statement.ts';

/**
 * Refuses to build on a seal that this log's keys have not made.
 *
 * @throws SealAlarmError for a seal of another log, or one that no trusted key has signed
 */
export function refuseUntrusted(
  { trusted, logId }: { readonly trusted: TrustedKeys; readonly logId: string },
  seal: Seal,
): void {
  const { number, keyId, logId: sealedLog } = seal.statement;
  const problem = signatureProblem(seal, trusted);
  if (problem === 'UNTRUSTED_KEY')
    throw new SealAlarmError(
      'SEAL_NOT_TRUSTED',
      `seal ${number} is of the key ${keyId}, which is not trusted; if it was in force before, put its public half into TRUSTED_KEYS`,
    );
  if (problem !== null)
    throw new SealAlarmError('SEAL_NOT_TRUSTED', `the signature of seal ${number} is not of its key`);
  if (sealedLog !== logId) throw new SealAlarmError('LOG_NOT_AS_SEALED', `seal ${number} is of another log`);
}
