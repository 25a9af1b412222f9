// What a relay measures of itself, for whoever runs it: amounts and times, never payloads, ids, keys or addresses.
// Rules: spec/relay-protocol.md §10 (RP152).
import type { ClientMessage, ErrorCode } from '@sealwire/protocol';

/** Told while the relay works, on its hot path: whoever implements it must be quick and must not throw. */
export interface Measures {
  /** A message of a device came, of so many bytes; `malformed` if it was none. */
  received(type: ClientMessage['type'] | 'malformed', bytes: number): void;
  /** A message was handed to a socket. */
  sent(bytes: number): void;
  /** A request was refused. */
  refused(code: ErrorCode): void;
  /** A write was durable so many milliseconds after it was asked for. */
  durable(ms: number): void;
  /** Bytes of a blob came or went. */
  blob(direction: 'up' | 'down', bytes: number): void;
  /** Durable frames of one room were handed to so many followers, milliseconds after the first of them was durable. */
  delivered(followers: number, ms: number): void;
}

export const NO_MEASURES: Measures = {
  received() {},
  sent() {},
  refused() {},
  durable() {},
  blob() {},
  delivered() {},
};
