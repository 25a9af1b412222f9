// The hash chain of one clientID: one signature vouches for a run of frames. Rules: spec/frame.md §5.

import { sha256 } from '#native';
import { concat, uint64, utf8 } from '../bytes.ts';
import { SUITE } from '../crypto/kdf.ts';

/** What a chain belongs to; the same for all its frames. */
export interface ChainAddress {
  /** 32 bytes: account root or chat id. Stays when the room at the relay is replaced. */
  readonly logId: Uint8Array;
  readonly stream: string;
  /** 16 bytes. */
  readonly deviceId: Uint8Array;
  readonly clientId: number;
}

/** The cumulative hash before the first frame. @returns 32 new bytes. */
export const chainStart = (address: ChainAddress): Uint8Array =>
  sha256(utf8('sealwire/v1/chain'), addressBytes(address));

/** The cumulative hash after one more frame. @param signed - the body without its signature. */
export const chainNext = (before: Uint8Array, signed: Uint8Array): Uint8Array => sha256(before, signed);

/** What the author signs at a frame: its address, counter, and the hash over the whole chain so far. */
export const chainStatement = (address: ChainAddress, counter: number, hash: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/body'), addressBytes(address), uint64(counter), hash);

const addressBytes = ({ logId, stream, deviceId, clientId }: ChainAddress): Uint8Array => {
  const label = utf8(stream);
  return concat(Uint8Array.of(SUITE), logId, Uint8Array.of(label.length), label, deviceId, uint64(clientId));
};
