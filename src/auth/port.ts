import type { ApiKey } from './apiKey.ts';

/** Where a running service looks API keys up. */
export type ApiKeyFinder = {
  /** The key as it is stored now; null where there is none. */
  readonly find: (id: string) => Promise<ApiKey | null>;
};

/** Where API keys are kept: hashes of their secrets, never the secrets. */
export type ApiKeyStore = ApiKeyFinder & {
  /** Keeps a new key. Rejects when its id is there already. */
  readonly add: (key: ApiKey) => Promise<void>;
  /** Every key that ever was, the newest first. */
  readonly list: () => Promise<ApiKey[]>;
  /** Revokes a key for ever; a key that was revoked keeps its time. Returns the key; null where there is none. */
  readonly revoke: (id: string, at: string) => Promise<ApiKey | null>;
};
