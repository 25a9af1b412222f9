// What device and relay have in common: messages, ids, limits, error codes. No cryptography, no Yjs, no I/O.

export * from './blobs.ts';
export {
  type ClosingCode,
  type ComeBack,
  closeCodeOf,
  closeReason,
  codeOfClose,
  readComeBack,
} from './close-codes.ts';
export * from './codec.ts';
export { compareBytes } from './codec-parts.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './messages.ts';
export { Reader } from './reader.ts';
export * from './statements.ts';
