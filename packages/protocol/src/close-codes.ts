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

/** What a relay says when it ends a connection, beside the code. */
export interface ComeBack {
  /** Milliseconds that the device had better wait, at the least, before it connects again. */
  readonly afterMs?: number | undefined;
  /** `ws://` or `wss://` address of a relay with the same store, to go to now. */
  readonly at?: string | undefined;
}

/** A WebSocket close reason holds this many bytes. */
const REASON_BYTES = 123;

/** The longest pause that a reason may ask for: a device that a relay sends away for longer is better off to see for itself. */
const LONGEST_AFTER_MS = 300_000;

/**
 * The reason of a close frame: the code, then what is said of coming back. An address that does not fit is left out.
 *
 * @see spec/relay-protocol.md §8 (RP180)
 */
export const closeReason = (code: ClosingCode, { afterMs, at }: ComeBack = {}): string => {
  const after = afterMs === undefined ? '' : ` after=${Math.min(Math.ceil(afterMs), LONGEST_AFTER_MS)}`;
  const there = at === undefined ? '' : ` at=${at}`;
  const whole = `${code}${after}${there}`;
  return new TextEncoder().encode(whole).length > REASON_BYTES ? `${code}${after}` : whole;
};

/**
 * What the reason of a close frame says of coming back. Total: what it does not know it passes over.
 *
 * @param reason - of the WebSocket close event, whoever wrote it.
 */
export const readComeBack = (reason: string): ComeBack => {
  const [, ...words] = reason.split(' ');
  let afterMs: number | undefined;
  let at: string | undefined;
  for (const word of words) {
    const after = /^after=(\d{1,9})$/.exec(word);
    if (after) afterMs ??= Math.min(Number(after[1]), LONGEST_AFTER_MS);
    const there = /^at=(wss?:\/\/[!-~]+)$/.exec(word);
    if (there?.[1] && isAddress(there[1])) at ??= there[1];
  }
  return { afterMs, at };
};

/** Without name and password: where to go is said, not who to be. */
const isAddress = (text: string): boolean => {
  try {
    const { username, password } = new URL(text);
    return username === '' && password === '';
  } catch {
    return false;
  }
};
