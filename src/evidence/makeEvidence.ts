import type { SigningKey } from '../seals/keys.ts';
import { bundle } from './bundle.ts';
import { collectEvidence, type EvidenceDependencies } from './collect.ts';
import type { Personal } from './format.ts';

/** Makes the evidence file of a case (HTML); null where there is no such case. Throws as `collectEvidence` does. */
export type MakeEvidence = (caseId: string, personal: Personal) => Promise<string | null>;

/** @param key signs the file; the seals in it may be of other keys */
export const createMakeEvidence =
  (deps: EvidenceDependencies, key: SigningKey): MakeEvidence =>
  async (caseId, personal) => {
    const collected = await collectEvidence(deps, caseId, personal);
    return collected && bundle(collected, key);
  };
