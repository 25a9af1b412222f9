// The store for more than one machine; needs @nats-io/jetstream and @nats-io/transport-node. Rules: spec/relay-protocol.md §13.
export { type NatsStoreOptions, natsStore } from './store.ts';
