// How fast one connection may ask: each message has a price, in messages and in bytes, and who is in debt is not read.
// Rules: spec/relay-protocol.md §12 (RP123).
import type { ClientMessage } from '@sealwire/protocol';
import { type Bucket, createBucket } from './bucket.ts';

export interface PaceLimits {
  readonly messagesAtOnce: number;
  readonly messagesPerSecond: number;
  readonly bytesAtOnce: number;
  readonly bytesPerSecond: number;
}

export interface Pace {
  /** Charges a message. @returns milliseconds for which no more should be read; 0 if there is no debt. */
  charge(now: number, message: ClientMessage, bytes: number): number;
}

/** @returns what makes the pace of one connection. */
export const createPaces = (limits: PaceLimits): (() => Pace) => {
  const messages = { most: limits.messagesAtOnce, everyMs: 1_000 / limits.messagesPerSecond };
  const bytes = { most: limits.bytesAtOnce, everyMs: 1_000 / limits.bytesPerSecond };
  return () => new TwoBuckets(createBucket(messages), createBucket(bytes));
};

class TwoBuckets implements Pace {
  readonly #messages: Bucket;
  readonly #traffic: Bucket;

  constructor(messages: Bucket, traffic: Bucket) {
    this.#messages = messages;
    this.#traffic = traffic;
  }

  charge(now: number, message: ClientMessage, bytes: number): number {
    return Math.max(this.#messages.spend(now, priceOf(message)), this.#traffic.spend(now, bytes));
  }
}

/** About as many messages as cost the relay the same work: a signature costs it as much as 64 pings. */
const priceOf = (message: ClientMessage): number => {
  switch (message.type) {
    case 'put-principal':
      return 64;
    case 'resume':
      return 1 + message.rooms.length / 4;
    case 'put-room':
      return 1 + message.members.length / 4;
    case 'signal':
      return 4;
    default:
      return 1;
  }
};
