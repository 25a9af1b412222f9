// What one network address may have and begin, before and after its connections have proved anything.
// Rules: spec/relay-protocol.md §12 (RP122, RP124).
import { type Buckets, createBuckets } from './bucket.ts';

export interface AddressLimits {
  readonly connectionsPerAddress: number;
  readonly strangersPerAddress: number;
  readonly connectsAtOnce: number;
  readonly connectsPerSecond: number;
}

export interface Addresses {
  /** Whether one more connection may come from the address. Counts as an attempt, and not yet as a connection. */
  admits(now: number, address: string): boolean;
  connected(address: string): void;
  authenticated(address: string): void;
  /** @param wasStranger - whether it went without having authenticated. */
  left(address: string, wasStranger: boolean): void;
}

export const createAddresses = (limits: AddressLimits): Addresses => {
  const counts = new Map<string, { connections: number; strangers: number }>();
  const attempts: Buckets = createBuckets({
    most: limits.connectsAtOnce,
    everyMs: 1_000 / limits.connectsPerSecond,
  });
  return {
    admits(now, address) {
      const { connections = 0, strangers = 0 } = counts.get(address) ?? {};
      if (connections >= limits.connectionsPerAddress || strangers >= limits.strangersPerAddress)
        return false;
      return attempts.of(address).take(now, 1);
    },
    connected(address) {
      const count = counts.get(address) ?? { connections: 0, strangers: 0 };
      count.connections++;
      count.strangers++;
      counts.set(address, count);
    },
    authenticated(address) {
      const count = counts.get(address);
      if (count) count.strangers--;
    },
    left(address, wasStranger) {
      const count = counts.get(address);
      if (count === undefined) return;
      count.connections--;
      if (wasStranger) count.strangers--;
      if (count.connections === 0) counts.delete(address);
    },
  };
};

/**
 * What counts as one address: of IPv6 the first 64 bits, since whoever has one address there has that many.
 *
 * @param address - as node:net gives it, or a proxy; IPv4 inside IPv6 counts as IPv4.
 */
export const addressGroup = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [front = '', back] = address.toLowerCase().replace(/%.*$/, '').split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const words = [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4);
  return words.map((word) => word.replace(/^0+(?=.)/, '')).join(':');
};
