// The memory store passes the store contract. Rules: spec/relay-protocol.md §7.
import { SealwireError } from '@sealwire/protocol';
import { logStoreContract } from '@sealwire/testkit/log-store-contract';
import { memoryStore } from '../src/store-memory.ts';

logStoreContract('memory', ['stall', 'breakDisk', 'countsStreams'], async () => {
  let disk: Promise<void> | undefined;
  const store = memoryStore({ flush: async () => disk });
  return {
    store,
    stall() {
      let release = (): void => {};
      disk = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    breakDisk() {
      disk = Promise.reject(new SealwireError('STORE_FULL', 'No room.'));
      disk.catch(() => {});
      return () => {
        disk = undefined;
      };
    },
    dispose: () => store.close(),
  };
});
