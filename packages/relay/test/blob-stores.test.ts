// Both stores of blobs pass their contract. Rules: spec/blobs.md (BL16).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobStoreContract } from '@sealwire/testkit/blob-store-contract';
import { fileBlobStore, memoryBlobStore } from '../src/index.ts';

blobStoreContract('memory', async () => {
  const store = memoryBlobStore();
  return { store, dispose: () => store.close() };
});

blobStoreContract('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-blobs-'));
  let store = await fileBlobStore(folder);
  return {
    store,
    async reopen() {
      store = await fileBlobStore(folder);
      return store;
    },
    async dispose() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
