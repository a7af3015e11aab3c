import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { type CallFault, type Climate, strike } from './climate.ts';
import type { Channel, Host } from './host.ts';
import type { World } from './world.ts';

/** One call of a process to a part that processes share. */
export type Call<T> = {
  readonly channel: Channel;
  readonly method: string;
  /** Whether it changes something: only then does it matter whether it was done. */
  readonly changes: boolean;
  readonly work: () => Promise<T>;
  /** Told when the answer has reached the process. */
  readonly onAnswer?: (value: T) => void;
};

/** Between processes and what they share: where calls take time, get lost, and find processes dead. */
export type Link = {
  readonly call: <T>(host: Host, call: Call<T>) => Promise<T>;
  /** How many appends, and calls that were given up for lost, are still on their way. */
  readonly late: () => number;
};

/** Calls at which a fault hurts most are struck more often. */
const TENDER = ['append', 'commit', 'claim'];
const ELSEWHERE = 0.15;
const LONGEST_TIMEOUT_MS = 1_000;
const LONGEST_DELAY_MS = 3_000;
const LONGEST_FREEZE_MS = 6_000;
const LONGEST_CUT_MS = 7_000;

/** @param crash ends a process at once */
export function createLink(world: World, climate: Climate, crash: (host: Host) => void): Link {
  const { timeline, random, count, tell, isStormy } = world;
  const latency = (): number =>
    random.chance(climate.latency.none) ? 0 : random.between(1, climate.latency.most);
  const soon = (milliseconds: number, happen: () => void): void => {
    if (milliseconds === 0) happen();
    else timeline.after(milliseconds, happen);
  };
  const faultOf = (method: string): CallFault | null => {
    if (!isStormy()) return null;
    if (!TENDER.includes(method) && !random.chance(ELSEWHERE)) return null;
    return strike(random, climate.calls);
  };

  const strikeAfter = (host: Host, channel: Channel, fault: CallFault | null): void => {
    if (fault === 'cutAfter') host.cut(channel, random.between(500, LONGEST_CUT_MS));
    if (fault === 'crashAfter') crash(host);
    if (fault === 'freezeAfter') host.freeze(random.between(500, LONGEST_FREEZE_MS));
  };
  let late = 0;
  const arriveLate = (work: () => Promise<unknown>): void => {
    late += 1;
    timeline.after(random.between(1, LONGEST_DELAY_MS), () => {
      late -= 1;
      void work().catch(() => {});
    });
  };

  const call = <T>(host: Host, { channel, method, changes, work, onAnswer }: Call<T>): Promise<T> => {
    // What is left of a dead process's code does nothing any more.
    if (!host.isAlive()) return new Promise(() => {});
    const name = `${channel}.${method}`;
    const fault = faultOf(method);
    if (fault) {
      count(`fault/${fault}`);
      host.trouble();
      tell(() => `${host.name} ${name}: ${fault}`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // A call that takes long troubles its process for as long as it takes.
    if (fault)
      promise.then(
        () => host.trouble(),
        () => host.trouble(),
      );
    const fail = (): void => {
      timeline.after(random.between(0, LONGEST_TIMEOUT_MS), () =>
        host.deliver(() => reject(new StoreUnavailableError(`${name} got no answer`, null))),
      );
    };
    const answer = (settle: () => void): void => {
      soon(latency(), () => {
        if (host.isCut(channel)) fail();
        else host.deliver(settle);
      });
    };
    const answered = (value: T): void => {
      if (isStormy()) strikeAfter(host, channel, fault);
      if (fault === 'lostReply') fail();
      else {
        answer(() => {
          onAnswer?.(value);
          resolve(value);
        });
      }
    };
    const arrive = (): void => {
      // What a process has sent may arrive, and may not, when the process is gone.
      if (!host.isAlive() && random.chance(0.5)) return;
      const isLost = host.isCut(channel) || fault === 'refused' || fault === 'lateArrival';
      if (fault === 'lateArrival' && changes && !host.isCut(channel)) arriveLate(work);
      if (isLost) fail();
      else work().then(answered, (error: unknown) => answer(() => reject(error)));
    };
    // It may arrive although its process has ended meanwhile.
    const isAppend = method === 'append';
    if (fault === 'crashBefore') {
      crash(host);
      return promise;
    }
    if (isAppend) late += 1;
    soon(latency() + (fault === 'slowCall' ? random.between(1, LONGEST_DELAY_MS) : 0), () => {
      if (isAppend) late -= 1;
      arrive();
    });
    return promise;
  };
  return { call, late: () => late };
}
