// Sealwire's public API: get a device, read its chats, write in them, link another device. Shapes: api.ts.
export { type ErrorCode, SealwireError } from '@sealwire/protocol';
export type * from './api.ts';
export type * from './chat-api.ts';
export { linkDevice } from './link/to-new-device.ts';
export { createAccount, openDevice } from './open.ts';
export { when } from './readable.ts';
export type * from './shared-api.ts';
export type { Storage } from './vault/storage.ts';
