import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_STREAM } from '../../../src/eventstore/port.ts';
import type { Call, Fault } from '../../support/kurrentdb/faults.ts';
import { until } from '../../support/until.ts';
import { newEvents } from '../contract/support.ts';
import { expectExactly, startLoad, watchUncaught } from './load.ts';
import { openServer, type ServerUnderTest } from './support.ts';

/*
 * Each fault is switched on under 32 concurrent appends, and off again. Whatever the fault: every append is answered
 * within its budget, with the truth, and nothing is written twice, lost, or left for nobody to catch.
 *
 * What the client (6.2.1) does in such moments, and what keeps it from the service:
 *  1. its batch appends keep no deadline                       an own timer on every call ("silence")
 *  2. they never settle when the server ends the stream        the same timer, and the end is a failure ("a clean end")
 *  3. one client's fault rejects another's appends             a call of its own for every append ("at another store")
 *  4. ... whose late reply then throws where nobody catches    the same; `uncaught` here
 *  5. data that is no JSON leaves a promise open for ever      texts are sent as bytes, and checked before
 *  6. a failed question for server features is kept for ever   it is never asked ("the server features")
 *  7. some errors have a gRPC code and no type                 failures are told by their code and trailer
 *  8. a conflict's revision is wrong without exceptions        it is read from the server's message
 *  9. subscriptions end silently or with an error              subscriptions.test.ts: subscribed again
 * 10. a rejecting checkpoint listener stalls them              checkpoints are messages like the others
 * 11. leaving a loop leaves the call open at the server        subscriptions.test.ts: "leaves nothing open"
 * 12. the first failure after a server's death is CANCELLED    repeated like UNAVAILABLE
 * 13. refusals become unknown errors, a timeout an abort       append.test.ts: "a refusal"
 * 14. (back pressure works)                                    slowConsumer.test.ts
 */

const ATTEMPT_MS = 250;
const BUDGET_MS = 3_000;
/** What a loaded machine may add to a timer. */
const SLACK_MS = 1_000;
const WARM_UP = 40;
const HITS = 48;

let under: ServerUnderTest;
let uncaught: ReturnType<typeof watchUncaught>;

beforeEach(async () => {
  uncaught = watchUncaught();
  under = await openServer({ writeTimeoutMs: 50 });
});

afterEach(async () => {
  await under.close();
  uncaught.stop();
  expect(uncaught.seen).toEqual([]);
});

const openStore = () => under.store({ attemptMs: ATTEMPT_MS, budgetMs: BUDGET_MS });

/** Runs the load while something is wrong for some time, and checks what came of it. */
async function endure(trouble: () => Promise<void>): Promise<void> {
  const load = startLoad(openStore());
  await load.more(WARM_UP);
  await trouble();
  under.server.faults.clear();
  await load.more(WARM_UP);
  const written = await load.stop();
  expect(load.longestMs()).toBeLessThan(BUDGET_MS + SLACK_MS);
  await expectExactly(under.store(), written);
}

const writes = ({ method }: Call): boolean => method === 'batchAppend';
const everything = ({ method }: Call): boolean => method === 'batchAppend' || method === 'read';
/** Every other append: what is struck must not take the rest with it. */
const everyOther = (): ((call: Call) => boolean) => {
  let count = 0;
  return (call) => {
    if (writes(call)) count += 1;
    return writes(call) && count % 2 === 0;
  };
};

const strike = (fault: Fault, matches: (call: Call) => boolean) => async (): Promise<void> => {
  const { hits } = under.server.faults.when(matches, fault);
  await until(`${HITS} calls struck`, () => hits() >= HITS);
};

describe('a fault of every append, before it takes effect', () => {
  test.each([
    ['the server is away', { kind: 'error', code: status.UNAVAILABLE }],
    ['the server dies, as a call hears it first', { kind: 'error', code: status.CANCELLED }],
    ['an internal error', { kind: 'error', code: status.INTERNAL }],
    ['an error that the server cannot name', { kind: 'error', code: status.UNKNOWN }],
    ['a deadline of the server', { kind: 'error', code: status.DEADLINE_EXCEEDED }],
    ['silence', { kind: 'silence' }],
    ['a delay longer than an attempt', { kind: 'delay', ms: 400 }],
    ['a short delay', { kind: 'delay', ms: 30 }],
    ['a clean end without an answer', { kind: 'halfClose' }],
    ["the server's own write timeout", { kind: 'refusal', reason: 'timeout' }],
    ['a server that is not ready', { kind: 'refusal', reason: 'notReady' }],
    ['cut connections', { kind: 'disconnect' }],
  ] as const)('%s', (_, fault) => endure(strike(fault, writes)));
});

describe('a lost reply: the append has taken effect', () => {
  test.each([
    ['an error', { kind: 'error', code: status.UNAVAILABLE, committed: true }],
    ['a cancellation', { kind: 'error', code: status.CANCELLED, committed: true }],
    ['silence', { kind: 'silence', committed: true }],
    ['an answer that comes too late', { kind: 'delay', ms: 400, committed: true }],
    ['a clean end without an answer', { kind: 'halfClose', committed: true }],
    ["the server's own write timeout", { kind: 'refusal', reason: 'timeout', committed: true }],
    ['cut connections', { kind: 'disconnect', committed: true }],
  ] as const)('%s', (_, fault) => endure(strike(fault, everyOther())));

  test('and the server has forgotten its recent commits', () =>
    endure(async () => {
      const lost = everyOther();
      const forgetful = (call: Call): boolean => {
        under.server.forgetCommits();
        return lost(call);
      };
      await strike({ kind: 'error', code: status.UNAVAILABLE, committed: true }, forgetful)();
    }));

  test('and the repeat is dropped, for the first is not replicated yet', () =>
    endure(async () => {
      const lost = everyOther();
      under.server.faults.when(lost, { kind: 'error', code: status.UNAVAILABLE, committed: true });
      const { hits } = under.server.faults.when(writes, { kind: 'notReplicated' });
      await until(`${HITS} calls struck`, () => hits() >= HITS);
    }));
});

describe('a fault of reads and appends alike', () => {
  test.each([
    ['the server is away', { kind: 'error', code: status.UNAVAILABLE }],
    ['silence', { kind: 'silence' }],
    ['cut connections', { kind: 'disconnect' }],
  ] as const)('%s', (_, fault) => endure(strike(fault, everything)));

  test('the server is stopped and started', () =>
    endure(async () => {
      await under.server.stop();
      const probe = under.store({ pingTimeoutMs: 500 });
      await expect(probe.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await under.server.start();
    }));

  test('connections are cut again and again', () =>
    endure(async () => {
      for (let cut = 0; cut < 5; cut += 1) {
        const before = under.server.counts.batchAppend;
        under.server.dropConnections();
        await until('appends after the cut', () => under.server.counts.batchAppend >= before + 20);
      }
    }));
});

test('the server features, whose failure the client would remember for ever, are not asked for', async () => {
  under.server.faults.when(({ method }) => method === 'getSupportedMethods', {
    kind: 'error',
    code: status.DEADLINE_EXCEEDED,
  });
  await endure(async () => {});
  expect(under.server.counts.getSupportedMethods).toBe(0);
});

test('a fault at one store leaves alone what is in flight at another store of this process', async () => {
  const other = await openServer();
  try {
    const [mine, theirs] = [openStore(), other.store()];
    const slow = other.server.faults.next(1, ['batchAppend'], { kind: 'delay', ms: 150 });
    const waiting = theirs.append('case-1', NO_STREAM, newEvents(1));
    await until('an append in flight', () => slow.hits() === 1);
    under.server.faults.next(1, ['batchAppend'], { kind: 'disconnect' });
    expect(await mine.append('case-1', NO_STREAM, newEvents(1))).toMatchObject({ kind: 'appended' });
    expect(await waiting).toMatchObject({ kind: 'appended' });
    expect(other.server.counts.batchAppend).toBe(1);
  } finally {
    await other.close();
  }
});

test('an outage longer than the budget ends every append as unavailable, in time; the same append then succeeds', async () => {
  const load = startLoad(under.store({ attemptMs: 100, budgetMs: 300 }));
  await load.more(WARM_UP);
  under.server.faults.when(everything, { kind: 'silence' });
  await until('every writer given up', () => load.givenUp() >= 64);
  under.server.faults.clear();
  await load.more(WARM_UP);
  const written = await load.stop();
  expect(load.longestMs()).toBeLessThan(300 + SLACK_MS);
  await expectExactly(under.store(), written);
});
