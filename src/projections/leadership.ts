import { ALIVE_MS, BEAT_MS, type Coordinator } from '../coordination/port.ts';
import type { Timer } from '../runtime/clock.ts';

/** Being the one process that projects, for as long as its lease is renewed. */
export type Leadership = {
  /** Aborts when leadership is lost, or may be. */
  readonly lost: AbortSignal;
  /** Gives it back, so that another process need not wait for the lease to run out. Never rejects. */
  readonly release: () => Promise<void>;
};

/**
 * How this process tries to become the one that writes read models: a lease, renewed every BEAT_MS for as long as it leads.
 * It is lost when a renewal says so, and when none has succeeded for ALIVE_MS, counted from before it was sent: this process
 * then stops before the coordinator gives the lease to another one, unless their clocks differ. That may happen, and a process
 * may stall between looking and writing, so it is the checkpoint's compare-and-swap that keeps two from writing.
 *
 * @returns what tries once: null when another process leads; rejects when the coordinator is not reached
 */
export function createLeadership(
  coordinator: Pick<Coordinator, 'lead' | 'resign'>,
  clock: Timer,
): () => Promise<Leadership | null> {
  return async () => {
    let renewedAt = clock.monotonicMs();
    if (!(await coordinator.lead())) return null;
    const lost = new AbortController();
    const released = new AbortController();
    const over = AbortSignal.any([lost.signal, released.signal]);

    /** One at a time, so that nothing renews the lease after it was given back. */
    const renew = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(BEAT_MS, over);
        if (over.aborted) return;
        const sentAt = clock.monotonicMs();
        // Whether it could not be renewed for too long is for `watch` to say.
        const leads = await coordinator.lead().catch(() => null);
        if (leads) renewedAt = sentAt;
        if (leads === false) lost.abort();
      }
    };
    const watch = async (): Promise<void> => {
      while (!over.aborted) {
        const left = renewedAt + ALIVE_MS - clock.monotonicMs();
        if (left <= 0) return lost.abort();
        await clock.sleep(left, over);
      }
    };
    const renewing = renew();
    void watch();

    return {
      lost: lost.signal,
      release: async () => {
        released.abort();
        // What is lost is another's or will be: there is nothing to give back, and perhaps nobody to answer.
        if (lost.signal.aborted) return;
        await renewing;
        await coordinator.resign().catch(() => {});
      },
    };
  };
}
