// What device and relay have in common: messages, ids, limits, error codes. No cryptography, no Yjs, no I/O.
export * from './codec.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './messages.ts';
