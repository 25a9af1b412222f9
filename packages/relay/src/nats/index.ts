// The store for more than one machine; needs @nats-io/jetstream and @nats-io/transport-node. Rules: spec/relay-protocol.md §13.
export { natsBlobStore } from './blobs.ts';
export type { NatsStoreOptions } from './options.ts';
export { natsStore } from './store.ts';
