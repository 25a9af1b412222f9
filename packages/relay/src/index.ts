// The blind relay: it stores and forwards sealed frames and can read none. Rules: spec/relay-protocol.md.
export { allowOrigins, type OriginCheck, type OriginOptions } from './blob-origins.ts';
export type { Begun, BlobAddress, BlobInfo, BlobStore } from './blob-store.ts';
export { fileBlobStore } from './blob-store-files.ts';
export { memoryBlobStore } from './blob-store-memory.ts';
export { type CoreOptions, createRelayCore, type RelayCore, type RelayEvent } from './core.ts';
export { RELAY_LIMIT_NAMES, type RelayLimits, relayLimits } from './limits.ts';
export { type Clock, type Link, type LinkEvents, systemClock } from './link.ts';
export { backupStore, checkStore, restoreStore } from './lmdb-backup.ts';
export type { Measures } from './measures.ts';
export type { Neighbours, Post, RoomNews, Watch } from './neighbours.ts';
export { type AddressSet, addressSet, forwardedBy, forwardedFor } from './proxies.ts';
export { createRelay, type Relay, type RelayOptions } from './relay.ts';
export { type AppOptions, type AppServer, serveApp, staticFiles } from './static-files.ts';
export type {
  FrameAppend,
  LocalStore,
  LogStore,
  PrincipalEdit,
  PrincipalRecord,
  ReadRequest,
  ReadResult,
  RoomRecord,
  StoreTotals,
} from './store.ts';
export { type LmdbOptions, lmdbStore } from './store-lmdb.ts';
export { type MemoryStoreOptions, memoryStore } from './store-memory.ts';
export type { StoreReport } from './store-report.ts';
