// The LMDB store passes the store contract. Rules: spec/relay-protocol.md §7.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logStoreContract } from '@sealwire/testkit/log-store-contract';
import { lmdbStore } from '../src/store-lmdb.ts';

logStoreContract('lmdb', ['reopen', 'countsStreams'], async () => {
  // With a dot: to LMDB alone that would be a file.
  const directory = await mkdtemp(join(tmpdir(), 'sealwire.store-'));
  let store = await lmdbStore(directory);
  const first = store;
  return {
    store: first,
    async reopen() {
      store = await lmdbStore(directory);
      return store;
    },
    async dispose() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
