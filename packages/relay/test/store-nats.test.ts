// The store over NATS JetStream passes the store contract: on one node, in the slow run on a cluster of three.
// Rules: spec/relay-protocol.md §7 and §13.
// needs: nats
// timeout: 180s
import { logStoreContract } from '@sealwire/testkit/log-store-contract';
import { startNatsCluster } from '@sealwire/testkit/nats-cluster';
import { natsStore } from '../src/nats/index.ts';

const nodes = process.env.SEALWIRE_SLOW ? 3 : 1;
const cluster = await startNatsCluster(nodes);
let stores = 0;

logStoreContract('nats', ['reopen', 'countsStreams'], async () => {
  const options = { servers: cluster.servers, prefix: `store-${++stores}`, shards: 1, replicas: nodes };
  let store = await natsStore(options);
  return {
    store,
    async reopen() {
      store = await natsStore(options);
      return store;
    },
    dispose: () => store.close(),
  };
});
