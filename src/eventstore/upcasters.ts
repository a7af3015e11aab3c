import type { Json } from '../domain/hash.ts';

/** Turns stored data of one version into the next version's shape. Pure. */
export type Upcaster = (data: Json) => Json;

/** How old versions become new ones, by event type: the n-th turns version n into version n + 1. */
export const upcasters: Readonly<Record<string, readonly Upcaster[]>> = {
  // Version 1 knew neither reviewers nor a pause of automation: the policy judged, and it was running.
  GuardrailEvaluated: [
    (data) => {
      const verdict = asObject(data);
      const facts = { ...asObject(verdict.facts ?? null), automation: { paused: false } };
      return { ...verdict, facts, authority: { kind: 'policy' } };
    },
    // Version 2 knew no shadow policy.
    (data) => ({ ...asObject(data), shadow: null }),
  ],
  ActionStarted: [
    // Version 1 did not say what its backend was declared to be: nothing may be assumed of it, so a person decides.
    (data) => ({ ...asObject(data), idempotent: false, lookup: false }),
    // Version 3 may have a reviewer's authority.
    (data) => data,
  ],
  // Version 2 may be a reviewer's word.
  ActionOutcomeResolved: [(data) => ({ ...asObject(data), review: null })],
};

const asObject = (data: Json): { readonly [key: string]: Json } =>
  typeof data === 'object' && data !== null && !Array.isArray(data)
    ? (data as { readonly [key: string]: Json })
    : {};
