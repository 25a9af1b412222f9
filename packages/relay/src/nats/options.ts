// How a store at NATS is reached. By itself, so that what the package says of its types names no type of the client of NATS.
// Rules: spec/relay-protocol.md §13.

export interface NatsStoreOptions {
  /** `HOST:PORT` of nodes of the cluster; others are learned from them. */
  readonly servers: readonly string[];
  /** Begins all names at NATS: one word of letters, digits and `-`. Default: `sealwire`. */
  readonly prefix?: string;
  /** Streams that rooms are spread over. Counts when the store is made; afterwards it has what it has. Default: 16. */
  readonly shards?: number;
  /** Nodes that hold each message. Counts for each stream when it is made. Default: 3. */
  readonly replicas?: number;
  /** Who the relay is at NATS. Default: nobody. */
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Speaks TLS, with PEM files where the system's own do not do. Default: plain. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Whether other nodes are used as well, of which the given ones tell. Default: yes. */
  readonly discover?: boolean;
}
