import { describe, expect, it } from 'vitest';
import type { CaseEvent, CommandKey } from '../../src/domain/events.ts';
import { holds } from '../../src/domain/review.ts';
import {
  cancelled,
  caseAfter,
  executed,
  later,
  opened,
  received,
  recommended,
  stateChanged,
  taskId,
} from '../support/builders.ts';
import { approvedBy, claimed, released, reviewed } from '../support/reviewBuilders.ts';
import { bob, claimedByAnn, claiming, inReview, releasing, story, sue } from './reviewing.ts';
import { given, thrownBy } from './specification.ts';

const LEASE_MS = 30 * 60_000;
const END = later(LEASE_MS);
const key = (request = 'request'): CommandKey => ({ keyHash: 'key', requestHash: request });
const withKey = <E extends CaseEvent & { readonly data: { readonly command: CommandKey | null } }>(
  event: E,
) => ({
  ...event,
  data: { ...event.data, command: key() },
});

/** Reviews that are over, or act just now, and what the refusal says of them. */
const CLOSED: readonly (readonly [string, readonly CaseEvent[]])[] = [
  ['REJECTED', [...claimedByAnn, reviewed('REJECTED', 1, { reviewer: 'ann' })]],
  ['CANCELLED', [...claimedByAnn, stateChanged('CLOSED'), cancelled()]],
  ['EXECUTING', [...inReview, ...approvedBy('ann')]],
  ['OUTCOME_UNKNOWN', [...inReview, ...approvedBy('ann'), executed('UNKNOWN')]],
  ['COMPLETED', [...inReview, ...approvedBy('ann'), executed('SUCCEEDED')]],
];

describe('claiming', () => {
  it('gives a review to one person, for as long as a lease lasts', () =>
    given(...inReview)
      .when(claiming())
      .thenEvents(claimed(1, 'ann', END)));
  it('again renews it: the lease begins anew', () =>
    given(...claimedByAnn)
      .when(claiming({ using: { now: later(60_000) } }))
      .thenEvents(claimed(1, 'ann', later(60_000 + LEASE_MS))));
  it('with takeover, of what is one’s own, is a renewal, whatever the role', () =>
    given(...claimedByAnn)
      .when(claiming({ takeover: true }))
      .thenEvents(claimed(1, 'ann', END)));
  it('is refused while another one has it, who is named with the end of the lease', () => {
    const act = () => claiming({ by: bob, using: { now: later(LEASE_MS - 1) } })(caseAfter(claimedByAnn));
    expect(thrownBy(act)).toMatchObject({
      code: 'REVIEW_CLAIMED',
      field: null,
      message: `ann has claimed the review until ${END}`,
      details: { claim: { reviewer: 'ann', leaseUntil: END } },
    });
  });
  it('is refused to a supervisor, too, who does not say takeover', () =>
    given(...claimedByAnn)
      .when(claiming({ by: sue }))
      .thenRefused('REVIEW_CLAIMED', null));
  it.each([0, 1, 86_400_000])('takes what nobody has any more, %i ms after the lease', (milliseconds) =>
    given(...claimedByAnn)
      .when(claiming({ by: bob, using: { now: later(LEASE_MS + milliseconds) } }))
      .thenEvents(claimed(1, 'bob', later(2 * LEASE_MS + milliseconds))),
  );
  it('takes what was released', () =>
    given(...claimedByAnn, released(1, 'ann'))
      .when(claiming({ by: bob }))
      .thenEvents(claimed(1, 'bob', END)));
  it('takes over from another one in a supervisor’s name, and says from whom', () =>
    given(...claimedByAnn)
      .when(claiming({ by: sue, takeover: true }))
      .thenEvents(claimed(1, 'sue', END, 'ann')));
  it('takes over from nobody where nobody has it', () =>
    given(...inReview)
      .when(claiming({ by: sue, takeover: true }))
      .thenEvents(claimed(1, 'sue', END)));
  it('takes over from nobody where the lease is over, also in the name of somebody who may not', () =>
    given(...claimedByAnn)
      .when(claiming({ by: bob, takeover: true, using: { now: END } }))
      .thenEvents(claimed(1, 'bob', later(2 * LEASE_MS))));
  it('does not take over in the name of somebody who is no supervisor', () =>
    given(...claimedByAnn)
      .when(claiming({ by: bob, takeover: true }))
      .thenRefused('ROLE_NOT_HELD', 'takeover'));
  it('leaves nothing to the one it was taken from', () => {
    const taken = story(claimedByAnn, claiming({ by: sue, takeover: true }));
    given(...taken)
      .when(claiming())
      .thenRefused('REVIEW_CLAIMED', null);
  });
  it('is for tasks that a person was asked about', () => {
    given().when(claiming()).thenRefused('REVIEW_NOT_FOUND', 'taskId');
    given(opened(), received(), recommended()).when(claiming()).thenRefused('REVIEW_NOT_FOUND', 'taskId');
  });
  it.each(CLOSED)('is refused when the task is %s', (status, events) => {
    const error = thrownBy(() => claiming({ by: bob })(caseAfter(events)));
    expect(error).toMatchObject({ code: 'REVIEW_NOT_OPEN', field: null });
    expect(error).toMatchObject({ message: expect.stringContaining(`it is ${status}`) });
  });
  it('says who has decided what, where somebody has', () => {
    const [[, rejected] = ['', []]] = CLOSED;
    const message = 'the task does not wait for a person: it is REJECTED; ann has decided REJECTED';
    expect(thrownBy(() => claiming()(caseAfter(rejected)))).toMatchObject({ message });
  });
  it('is known again by its key, also when the review is over', () => {
    given(...inReview, withKey(claimed(1, 'ann')))
      .when(claiming({ command: key() }))
      .thenRepeat();
    given(...inReview, withKey(claimed(1, 'ann')), reviewed('REJECTED', 1, { reviewer: 'ann' }))
      .when(claiming({ command: key() }))
      .thenRepeat();
  });
  it('refuses its key with another request', () =>
    given(...inReview, withKey(claimed(1, 'ann')))
      .when(claiming({ command: key('another') }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));
  it('records its key', () =>
    given(...inReview)
      .when(claiming({ command: key() }))
      .thenEvents(withKey(claimed(1, 'ann', END))));
});

describe('releasing', () => {
  it('ends one’s own claim', () =>
    given(...claimedByAnn)
      .when(releasing())
      .thenEvents(released(1, 'ann')));
  it('does not end another one’s', () =>
    given(...claimedByAnn)
      .when(releasing({ by: bob }))
      .thenRefused('REVIEW_CLAIMED', null));
  it('ends another one’s in a supervisor’s name, and says whose it was', () =>
    given(...claimedByAnn)
      .when(releasing({ by: sue }))
      .thenEvents(released(1, 'ann')));
  it.each<[string, readonly CaseEvent[], string]>([
    ['nobody has it', inReview, later(0)],
    ['it was released', [...claimedByAnn, released(1, 'ann')], later(0)],
    ['the lease is over', claimedByAnn, END],
  ])('changes nothing when %s', (_, events, now) => {
    for (const by of [bob, sue])
      given(...events)
        .when(releasing({ by, using: { now } }))
        .thenNothing();
  });
  it('with a key always leaves something: a copy of it that comes late must not end a claim made since', () => {
    const over = { now: END };
    const keyed = releasing({ command: key(), using: over });
    given(...claimedByAnn)
      .when(keyed)
      .thenEvents(withKey(released(1, 'ann')));
    const later = [...claimedByAnn, withKey(released(1, 'ann')), claimed(1, 'ann', END)];
    given(...later)
      .when(releasing({ command: key() }))
      .thenRepeat();
    given(...inReview)
      .when(keyed)
      .thenRefused('REVIEW_NOT_CLAIMED', null);
    given(...claimedByAnn)
      .when(releasing({ by: bob, command: key(), using: over }))
      .thenRefused('REVIEW_NOT_CLAIMED', null);
  });
  it('is for tasks that a person was asked about', () =>
    given(opened(), received()).when(releasing()).thenRefused('REVIEW_NOT_FOUND', 'taskId'));
  it.each(CLOSED)('is refused when the task is %s', (_, events) =>
    given(...events)
      .when(releasing())
      .thenRefused('REVIEW_NOT_OPEN', null),
  );
  it('is known again by its key, and refuses it with another request', () => {
    const events = [...claimedByAnn, withKey(released(1, 'ann'))];
    given(...events)
      .when(releasing({ command: key() }))
      .thenRepeat();
    given(...events)
      .when(releasing({ command: key('another') }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key');
    given(...events)
      .when(claiming({ command: key('another') }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key');
  });
});

describe('a claim', () => {
  const claim = (...events: readonly CaseEvent[]) => caseAfter(events).tasks.get(taskId())?.review?.claim;

  it('holds up to the end of its lease, not at it', () => {
    const ofAnn = claim(...claimedByAnn) ?? null;
    expect(ofAnn).toStrictEqual({ reviewer: 'ann', leaseUntil: END });
    expect(holds(ofAnn, later(LEASE_MS - 1))).toBe(true);
    expect(holds(ofAnn, END)).toBe(false);
    expect(holds(null, END)).toBe(false);
  });
  it.each(['INFO_REQUESTED', 'REJECTED'] as const)('ends with the decision %s', (resolution) => {
    expect(claim(...claimedByAnn, reviewed(resolution, 1, { reviewer: 'ann' }))).toBeNull();
  });
  it('ends with an approval', () => {
    expect(claim(...inReview, ...approvedBy('ann'))).toBeNull();
  });
});
