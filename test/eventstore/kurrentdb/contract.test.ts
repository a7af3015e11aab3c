import { describeEventStoreContract } from '../contract.ts';
import { openServer, TRAITS } from './support.ts';

describeEventStoreContract(
  'kurrentdb (protocol test server)',
  async () => {
    const { store, close } = await openServer();
    return { store: store(), another: async () => store(), close };
  },
  TRAITS,
);
