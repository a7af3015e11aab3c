import { beforeAll, describe, expect, it } from 'vitest';
import { createSources } from '../../src/commands/sources.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { configText, later, playbook, policy } from '../support/builders.ts';
import { modelSays } from '../support/scripted.ts';
import { EXECUTING_TEXT, REFUSING_TEXT, shadowPolicy } from '../support/shadows.ts';
import { startProcess } from '../support/world.ts';
import { startService } from './history.ts';
import { changed, storeOf, verify } from './support.ts';
import { at, data, forged, found, type Tampering, withCase } from './tampering.ts';

const shadow = shadowPolicy(EXECUTING_TEXT);
const other = shadowPolicy(REFUSING_TEXT);
const [SHADOW_STREAM, PLACE] = [`policy-${shadow.hash}`, 'case-refused/3'];

/** A log of a service with a shadow policy that executes what the policy in force sends to a person. */
let log: readonly ReadEvent[];
beforeAll(async () => {
  const process = await startService({ shadow, model: () => modelSays({ confidence: 0.5 }) });
  await createSources(process.log).register({ policy: other, shadow: null, playbook }, later(0));
  await process.open({ caseId: 'refused' });
  await process.clock.runUntil(process.submit({ caseId: 'refused' }));
  log = await process.outside.store.readAll(null, 1_000);
});

const recorded = (): Record<string, unknown> => {
  const event = log.find(({ type }) => type === 'GuardrailEvaluated');
  return JSON.parse(event?.data ?? '{}').shadow;
};
/** The recorded shadow verdict with changes, and the chain computed anew. */
const forgedShadow = (changes: object): Tampering =>
  forged(at(3, (event) => data({ shadow: { ...recorded(), ...changes } })(event)));

describe('what a shadow policy said', () => {
  it('comes out the same again, to the byte', async () => {
    expect(recorded()).toMatchObject({ verdict: 'EXECUTE', policyHash: shadow.hash });
    expect(await verify(storeOf(log))).toMatchObject({ result: 'CLEAN', verdicts: 1, mismatchCount: 0 });
  });

  it.each<[string, () => object, string[]]>([
    ['its verdict', () => ({ verdict: 'ROUTE_TO_MANUAL' }), [`VERDICT ${PLACE}`]],
    ['a result of its rules', () => ({ guardrails: [] }), [`VERDICT ${PLACE}`]],
    [
      'its limits',
      () => ({ limits: { ...(recorded().limits as object), maxAttempts: 2 } }),
      [`VERDICT ${PLACE}`],
    ],
    ['its version', () => ({ policyVersion: '99' }), [`VERDICT ${PLACE}`]],
    ['whose word it is', () => ({ policyHash: other.hash }), [`VERDICT ${PLACE}`]],
    [
      'whose word it is, of a policy that is not there',
      () => ({ policyHash: 'f'.repeat(64) }),
      [`SOURCE ${PLACE}`],
    ],
  ])('is found when somebody changes %s', async (_, changes, places) => {
    expect(await found(withCase(log, 'refused', forgedShadow(changes())))).toEqual(places);
  });

  it('is found without minding the chain, as any event is', async () => {
    const removed = withCase(log, 'refused', at(3, data({ shadow: null })));
    expect(await found(removed)).toEqual([`CHAIN ${PLACE}`]);
  });

  it('rests on a policy that is in the log, from before', async () => {
    const missing = log.filter(({ stream }) => stream !== SHADOW_STREAM);
    expect(await found(missing)).toEqual([`SOURCE ${PLACE}`]);
    const late = log.map((event) => (event.stream === SHADOW_STREAM ? { ...event, position: 900n } : event));
    expect(await found(late)).toEqual([`SOURCE ${PLACE}`]);
  });

  it('is told as not replayed, where this version cannot read its policy', async () => {
    const source = 'name: of a later version';
    const unreadable = log.map((event) =>
      event.stream === SHADOW_STREAM ? changed(event, { data: { source } }) : event,
    );
    expect(await verify(storeOf(unreadable))).toMatchObject({
      notReplayed: [{ reason: 'SOURCE_UNREADABLE', count: 1 }],
    });
  });
});

it('a shadow policy that comes into force later, and goes again, leaves all verdicts to be evaluated again', async () => {
  const first = await startService({ shadow: other, model: () => modelSays({ confidence: 0.5 }) });
  await first.open({ caseId: 'before' });
  await first.clock.runUntil(first.submit({ caseId: 'before' }));
  const stricter = parsePolicy(
    configText('policy.yaml').replace('version: "2"', 'version: "3"'),
    'policy.yaml',
    playbook,
  );
  await createSources(first.log).register({ policy: stricter, shadow: policy, playbook }, later(1));
  const second = startProcess({ policy: stricter, shadow: policy }, first.outside);
  await second.open({ caseId: 'after' });
  await second.clock.runUntil(second.submit({ caseId: 'after' }));
  const events = await first.outside.store.readAll(null, 1_000);
  expect(await verify(storeOf(events))).toMatchObject({ result: 'CLEAN', verdicts: 2 });
});
