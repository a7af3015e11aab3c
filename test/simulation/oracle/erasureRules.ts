import type { CaseErased } from '../../../src/commands/eraseCase.ts';
import type { KeyStore } from '../../../src/vault/port.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';
import type { Committed, LedgerCase } from './ledger.ts';
import type { Violate } from './streamRules.ts';

/** Holds what was told of erasures against the log and the keys. */
export type ErasureRules = {
  readonly answered: (caseId: string, answer: CaseErased) => void;
  /** At the end of a run: who was told that a case is erased finds no key of it. */
  readonly check: (keys: Pick<KeyStore, 'find'>) => Promise<void>;
};

export function createErasureRules({ violate, count }: World, book: Book): ErasureRules {
  const told = new Set<string>();
  return {
    answered: (caseId, { erased, replayed }) => {
      count(replayed ? 'erasure/again' : 'erasure/first');
      told.add(caseId);
      const event = book.cases.get(caseId)?.events[erased.revision];
      if (event?.type !== 'CaseErased' || event.position !== erased.position)
        violate('erased is recorded', `${caseId} at ${erased.revision}`);
    },
    check: async (keys) => {
      for (const caseId of told) {
        if (await keys.find(caseId)) violate('an erased case has no key', caseId);
      }
    },
  };
}

/** An erasure leaves nothing open, and nothing follows it but what becomes known of a backend, without any text. */
export function checkErasure(ledgerCase: LedgerCase, event: Committed, violate: Violate): void {
  const place = `${event.type} at ${event.caseId}/${event.revision}`;
  const isNews = event.type === 'ActionOutcomeResolved' && event.data.review === null;
  if (ledgerCase.isErased && !isNews) violate('nothing follows an erasure', place);
  if (event.type !== 'CaseErased') return;
  const isOver = [...ledgerCase.tasks.values()].every(({ status }) =>
    ['COMPLETED', 'REJECTED', 'CANCELLED'].includes(status),
  );
  if (!isOver || ledgerCase.state !== 'CLOSED') violate('an erasure leaves nothing open', place);
}
