import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCoordination, type MemoryCoordination } from '../../src/coordination/memory.ts';
import { ALIVE_MS, BEAT_MS, type Coordinator } from '../../src/coordination/port.ts';
import { createLeadership, type Leadership } from '../../src/projections/leadership.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { createFakeClock, type FakeClock, idle } from '../support/clock.ts';

let clock: FakeClock;
let coordination: MemoryCoordination;
beforeEach(() => {
  clock = createFakeClock();
  coordination = createMemoryCoordination(clock);
});

type Candidate = {
  readonly tryToLead: () => Promise<Leadership | null>;
  readonly leads: () => Promise<Leadership>;
  /** What stands between this process and the coordinator; may be changed at any time. */
  asked: (ask: () => Promise<boolean>) => Promise<boolean>;
  /** What it has asked for, in order. */
  readonly calls: string[];
};

function candidate(name: string): Candidate {
  const coordinator = coordination.forProcess(name, createMemoryRowStore());
  const calls: string[] = [];
  const watched: Pick<Coordinator, 'lead' | 'resign'> = {
    lead: () => {
      calls.push('lead');
      return made.asked(coordinator.lead);
    },
    resign: () => {
      calls.push('resign');
      return made.asked(async () => {
        await coordinator.resign();
        return true;
      }) as Promise<unknown> as Promise<void>;
    },
  };
  const tryToLead = createLeadership(watched, clock);
  const made: Candidate = {
    tryToLead,
    leads: async () => {
      const leadership = await tryToLead();
      if (!leadership) throw new Error(`${name} does not lead`);
      return leadership;
    },
    asked: (ask) => ask(),
    calls,
  };
  return made;
}

const STEP_MS = 100;
const pass = async (milliseconds: number): Promise<void> => {
  for (let passed = 0; passed < milliseconds; passed += STEP_MS) {
    clock.advance(STEP_MS);
    await idle();
  }
};
const unreachable = (): Promise<never> => Promise.reject(new Error('not reached'));

/** An answer that comes when the test says so. */
function late(): { readonly asked: Candidate['asked']; readonly answer: () => Promise<void> } {
  let answer: () => void = () => {};
  const told = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return {
    asked: async (ask) => {
      await told;
      return ask();
    },
    answer: () => {
      answer();
      return idle();
    },
  };
}

describe('leadership', () => {
  it('is held by one for as long as it renews, and free at once when it is released', async () => {
    const [one, two] = [candidate('one'), candidate('two')];
    const leadership = await one.leads();
    for (let seconds = 0; seconds < 10; seconds += 1) {
      await pass(1_000);
      expect(await two.tryToLead()).toBeNull();
    }
    expect(leadership.lost.aborted).toBe(false);
    expect(one.calls.length).toBeGreaterThanOrEqual(10_000 / BEAT_MS);
    await leadership.release();
    expect((await two.leads()).lost.aborted).toBe(false);
    expect(clock.sleepers()).toBe(2);
  });

  it('is refused by a coordinator that cannot be reached', async () => {
    const one = candidate('one');
    one.asked = unreachable;
    await expect(one.tryToLead()).rejects.toThrow('not reached');
    expect(clock.sleepers()).toBe(0);
  });

  it('is lost when a renewal says that another process leads', async () => {
    const [one, two] = [candidate('one'), candidate('two')];
    const leadership = await one.leads();
    coordination.forget();
    await two.leads();
    expect(leadership.lost.aborted).toBe(false);
    await pass(BEAT_MS);
    expect(leadership.lost.aborted).toBe(true);
  });

  it.each([
    ['fail', unreachable],
    ['hang', () => new Promise<never>(() => {})],
  ])('is lost when renewals %s for as long as a lease lasts, and no earlier', async (_, asked) => {
    const one = candidate('one');
    const leadership = await one.leads();
    await pass(2 * BEAT_MS);
    one.asked = asked;
    await pass(ALIVE_MS - STEP_MS);
    expect(leadership.lost.aborted).toBe(false);
    await pass(STEP_MS);
    expect(leadership.lost.aborted).toBe(true);
    expect(clock.sleepers()).toBe(0);
  });

  it('outlives failures that are followed by a success in time', async () => {
    const one = candidate('one');
    const leadership = await one.leads();
    for (let round = 0; round < 5; round += 1) {
      one.asked = unreachable;
      await pass(ALIVE_MS - 2 * BEAT_MS);
      one.asked = (ask) => ask();
      await pass(BEAT_MS);
    }
    expect(leadership.lost.aborted).toBe(false);
  });

  it('lasts from before a renewal was sent, however late its answer', async () => {
    const one = candidate('one');
    const leadership = await one.leads();
    await pass(BEAT_MS - STEP_MS);
    const slow = late();
    one.asked = slow.asked;
    await pass(STEP_MS + 1_000);
    await slow.answer();
    one.asked = unreachable;
    await pass(ALIVE_MS - 1_000 - STEP_MS);
    expect(leadership.lost.aborted).toBe(false);
    await pass(STEP_MS);
    expect(leadership.lost.aborted).toBe(true);
  });

  it('is lost from the start when the answer took as long as a lease lasts', async () => {
    const one = candidate('one');
    const slow = late();
    one.asked = slow.asked;
    const leading = one.leads();
    await pass(ALIVE_MS);
    await slow.answer();
    expect((await leading).lost.aborted).toBe(true);
  });

  it('is given back behind a renewal that is under way, and by nothing renewed after that', async () => {
    const [one, two] = [candidate('one'), candidate('two')];
    const leadership = await one.leads();
    const slow = late();
    one.asked = slow.asked;
    await pass(BEAT_MS);
    const released = leadership.release();
    await pass(BEAT_MS);
    expect(one.calls).toEqual(['lead', 'lead']);
    await slow.answer();
    await released;
    await pass(ALIVE_MS);
    expect(one.calls).toEqual(['lead', 'lead', 'resign']);
    expect((await two.leads()).lost.aborted).toBe(false);
  });

  it('is given back without a word when nobody answers, or when it is lost', async () => {
    const one = candidate('one');
    const first = await one.leads();
    one.asked = unreachable;
    await first.release();
    expect(first.lost.aborted).toBe(false);

    one.asked = (ask) => ask();
    const second = await one.leads();
    one.asked = () => new Promise<never>(() => {});
    await pass(BEAT_MS + ALIVE_MS);
    expect(second.lost.aborted).toBe(true);
    const before = one.calls.length;
    await second.release();
    expect(one.calls.length).toBe(before);
  });
});
