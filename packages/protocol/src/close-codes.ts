// With which WebSocket close code a relay ends a connection. Rules: spec/relay-protocol.md §8.
import type { ErrorCode } from './errors.ts';

/** A connection's end: close code 4000 + index. Append only, since numbers are on the wire; at most 400 of them. */
const CLOSING = [
  'MALFORMED',
  'TOO_LARGE',
  'UNSUPPORTED_VERSION',
  'UNEXPECTED_MESSAGE',
  'AUTH_REQUIRED',
  'AUTH_FAILED',
  'LIMIT_REACHED',
  'TOO_SLOW',
  'TIMED_OUT',
  'SHUTTING_DOWN',
  'STORE_FAILED',
] as const satisfies readonly ErrorCode[];

/** An error code that ends a connection; the others only refuse a request. */
export type ClosingCode = (typeof CLOSING)[number];

/** The close code for `code`, 4000 to 4399: below the range that y-websocket takes for "never come back". */
export const closeCodeOf = (code: ClosingCode): number => 4000 + CLOSING.indexOf(code);

/**
 * Why a connection ended, or undefined when the close code does not say (a lost network, a proxy).
 *
 * @param closeCode - of the WebSocket close event. 1002, 1003 and 1007 read as MALFORMED and 1009 as TOO_LARGE, since
 *   WebSocket libraries refuse such messages themselves; 1001 reads as SHUTTING_DOWN.
 */
export const codeOfClose = (closeCode: number): ClosingCode | undefined =>
  STANDARD.get(closeCode) ?? CLOSING[closeCode - 4000];

const STANDARD: ReadonlyMap<number, ClosingCode> = new Map([
  [1001, 'SHUTTING_DOWN'],
  [1002, 'MALFORMED'],
  [1003, 'MALFORMED'],
  [1007, 'MALFORMED'],
  [1009, 'TOO_LARGE'],
]);
