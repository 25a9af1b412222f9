// The six digits, and the two proofs without which no key leaves the phone: that the digits were checked, and that
// the person agreed. Both are values that only this file can make. Rules: spec/link.md §5 and §6.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { sameBytes } from '@sealwire/protocol';
import { sha256 } from '#native';
import type { Platform } from '../api.ts';
import { concat, utf8 } from '../bytes.ts';
import { isDeviceName } from './messages.ts';

/** What a new device says of itself, proven to be said by the holder of `identityKey`. Keys are 32 bytes. */
export interface ProposedDevice {
  readonly identityKey: Uint8Array;
  readonly relayKey: Uint8Array;
  readonly hpkeKey: Uint8Array;
  readonly deviceName: string;
  readonly platform: Platform;
}

class Checked {
  readonly device: ProposedDevice;
  readonly #made = true;
  constructor(device: ProposedDevice) {
    this.device = device;
  }
  static made(value: Checked): boolean {
    return #made in value;
  }
}

class Agreed {
  readonly device: ProposedDevice;
  readonly #made = true;
  constructor(device: ProposedDevice) {
    this.device = device;
  }
  static made(value: Agreed): boolean {
    return #made in value;
  }
}

/** The new device sent a MAC that only who typed the right digits can make. From {@link checkDigits} alone. */
export type DigitsChecked = Checked;

/** The person agreed to a device whose digits were right. From {@link confirmDevice} alone. */
export type Confirmed = Agreed;

/** True for six ASCII digits. */
export const isDigits = (text: string): boolean => /^[0-9]{6}$/.test(text);

/**
 * Six digits, each of the million equally likely.
 *
 * @param randomBytes - uniformly random bytes of the given length. Called again for the one draw in about 4,400
 *   that would favour low numbers.
 */
export const drawDigits = (randomBytes: (length: number) => Uint8Array): string => {
  for (;;) {
    const bytes = randomBytes(4);
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    if (value < FAIR) return String(value % MILLION).padStart(6, '0');
  }
};

/** SHA-256(label ‖ digits ‖ opening): binds the phone to its digits, hides them. @param opening - 32 random bytes. */
export const commitDigits = (digits: string, opening: Uint8Array): Uint8Array => {
  if (!isDigits(digits)) throw new RangeError('digits: not six ASCII digits');
  if (opening.length !== 32) throw new RangeError('opening: not 32 bytes');
  return sha256(utf8('sealwire/v1/link-digits'), utf8(digits), opening);
};

/** HMAC-SHA-256(macKey, digits ‖ statement): shows the phone what was typed. @returns 32 new bytes. */
export const macOfDigits = (macKey: Uint8Array, digits: string, statement: Uint8Array): Uint8Array => {
  if (!isDigits(digits)) throw new RangeError('digits: not six ASCII digits');
  return hmac(nobleSha256, macKey, concat(utf8(digits), statement));
};

/**
 * Checks, in constant time, that the digits typed on the new device are those that the phone shows. To be called
 * once for each link: a wrong MAC ends it.
 *
 * @returns the proof, or undefined if the digits were others.
 */
export const checkDigits = (check: {
  readonly macKey: Uint8Array;
  readonly digits: string;
  readonly statement: Uint8Array;
  readonly mac: Uint8Array;
  readonly device: ProposedDevice;
}): DigitsChecked | undefined => {
  const expected = macOfDigits(check.macKey, check.digits, check.statement);
  if (check.mac.length !== expected.length) return undefined;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) difference |= expected[i]! ^ check.mac[i]!;
  return difference === 0 ? new Checked(check.device) : undefined;
};

/**
 * The person looked at the device and agreed.
 *
 * @param deviceName - as the person wants it called; see {@link isDeviceName}.
 * @throws TypeError if `proof` was not made by {@link checkDigits}; RangeError for a bad name.
 */
export const confirmDevice = (proof: DigitsChecked, deviceName: string): Confirmed => {
  if (!Checked.made(proof)) throw new TypeError('proof: the digits were not checked');
  if (!isDeviceName(deviceName)) throw new RangeError('deviceName: empty, too long, or not printable');
  return new Agreed({ ...proof.device, deviceName });
};

/**
 * The same condition as the type's, for callers that were not type-checked.
 *
 * @throws TypeError if `proof` was not made by {@link confirmDevice}.
 */
export const requireConfirmed = (proof: Confirmed): ProposedDevice => {
  if (!Agreed.made(proof)) throw new TypeError('proof: nobody agreed to this device');
  return proof.device;
};

/** True when a commitment opens to these digits. Both are public by then. */
export const opensTo = (commitment: Uint8Array, digits: string, opening: Uint8Array): boolean =>
  sameBytes(commitDigits(digits, opening), commitment);

const MILLION = 1_000_000;
/** The greatest multiple of a million that 32 bits hold. */
const FAIR = 2 ** 32 - (2 ** 32 % MILLION);
