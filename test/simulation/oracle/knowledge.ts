import { caseIdOfStream } from '../../../src/domain/identifiers.ts';
import type { Host } from '../host.ts';

/** What each process has read of each case: up to which revision. */
export type Knowledge = {
  readonly learn: (host: Host, stream: string, revision: number) => void;
  /** -1 where it has read nothing. */
  readonly upTo: (host: Host, caseId: string) => number;
};

/** @param onLearn told when a process has read something new of a case: what it knew before, and what it knows now */
export function createKnowledge(
  onLearn: (host: Host, caseId: string, before: number, now: number) => void,
): Knowledge {
  const known = new Map<Host, Map<string, number>>();
  const upTo: Knowledge['upTo'] = (host, caseId) => known.get(host)?.get(caseId) ?? -1;
  return {
    upTo,
    learn: (host, stream, revision) => {
      const caseId = caseIdOfStream(stream);
      if (caseId === null) return;
      const cases = known.get(host) ?? new Map<string, number>();
      known.set(host, cases);
      const before = upTo(host, caseId);
      if (revision <= before) return;
      cases.set(caseId, revision);
      onLearn(host, caseId, before, revision);
    },
  };
}
