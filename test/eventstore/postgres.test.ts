import { describeEventStoreContract } from './contract.ts';
import { openLog } from './postgres/support.ts';

describeEventStoreContract('postgres', async () => {
  const log = await openLog('contract');
  return { store: await log.store(), another: log.store, close: log.close };
});
