import { describe } from 'vitest';
import { describeBasics } from './contract/basics.ts';
import { describeOrder } from './contract/order.ts';
import { describeRaces } from './contract/races.ts';
import { describeSubscribing } from './contract/subscribing.ts';
import { type MakeStore, STRICT, type Traits } from './contract/support.ts';
import { describeTypes } from './contract/types.ts';

/**
 * What every event store must do. An adapter passes all of it, with clients that share nothing but the log.
 *
 * @param makeStore makes an empty log; called once a test
 * @param traits what the port leaves to the store
 */
export function describeEventStoreContract(
  name: string,
  makeStore: MakeStore,
  traits: Traits = STRICT,
): void {
  describe(`${name} event store`, () => {
    describe('append and read', () => describeBasics(makeStore, traits));
    describe('races', () => describeRaces(makeStore));
    describe('global order', () => describeOrder(makeStore, traits));
    describe('events of some types', () => describeTypes(makeStore));
    describe('subscribe', () => describeSubscribing(makeStore, traits));
  });
}
