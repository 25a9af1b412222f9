// The store of blobs at NATS passes the contract on real nodes: on one, in the slow run on a cluster of three.
// Rules: spec/blobs.md (BL16), spec/relay-protocol.md §13.
// needs: nats
// timeout: 180s
import { blobStoreContract } from '@sealwire/testkit/blob-store-contract';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { natsBlobStore } from '../src/nats/index.ts';

const nodes = process.env.SEALWIRE_SLOW ? 3 : 1;
const cluster = await startNatsCluster(nodes);
let stores = 0;

blobStoreContract('nats', async () => {
  const options = { servers: cluster.servers, prefix: `blobs-${++stores}`, shards: 1, replicas: nodes };
  let store = await natsBlobStore(options);
  return {
    store,
    async reopen() {
      store = await natsBlobStore(options);
      return store;
    },
    dispose: () => store.close(),
  };
});
