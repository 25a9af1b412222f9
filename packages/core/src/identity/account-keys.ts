// Account keys: one X25519 key for all devices of an account, made anew after a revocation and wrapped to each device
// that is left. Rules: spec/device-log.md §6.
import { LIMITS, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { concat, utf8 } from '../bytes.ts';
import { hpkeKeyPairOf, unwrapKey, wrapKey } from '../crypto/hpke.ts';
import type { Suite } from '../crypto/suites.ts';
import { activeDevices, type DeviceLog, type LoggedDevice } from './device-log.ts';
import { suiteOfKeys } from './entry-suite.ts';
import { type AccountKey, type SignedEntry, signEntry } from './log-entry.ts';

/** The account whose device this is, with all its private account keys that this device holds. */
export interface OwnAccount {
  /** 32 bytes. */
  readonly id: Uint8Array;
  /** @returns the private key, 32 bytes; undefined if this device does not hold it. */
  privateKey(publicKey: Uint8Array): Uint8Array | undefined;
  /** All of them, oldest first. */
  privateKeys(): readonly Uint8Array[];
  /** Takes one more. @returns false if it was held. */
  add(publicKey: Uint8Array, privateKey: Uint8Array): boolean;
}

/** Holds secret keys: never log it. @param privateKeys - 32 bytes each, all of the suite. */
export const createOwnAccount = async (
  id: Uint8Array,
  privateKeys: readonly Uint8Array[],
  suite: Suite = 1,
): Promise<OwnAccount> => {
  const held = new Map<string, Uint8Array>();
  const add = (publicKey: Uint8Array, privateKey: Uint8Array): boolean => {
    const name = toHex(publicKey);
    if (held.has(name)) return false;
    held.set(name, privateKey);
    return true;
  };
  for (const key of privateKeys) {
    const { publicKey, privateKey } = await hpkeKeyPairOf(suite, key);
    add(publicKey, privateKey);
  }
  return {
    id,
    privateKey: (publicKey) => held.get(toHex(publicKey)),
    privateKeys: () => [...held.values()],
    add,
  };
};

export interface NewAccountKey {
  readonly log: DeviceLog;
  /** The author's device id; it must be active. */
  readonly author: Uint8Array;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Whom the key is wrapped to; the log's active devices, since no log takes another list. */
  readonly devices?: readonly Pick<LoggedDevice, 'id' | 'keys'>[];
}

/**
 * Makes and signs a new account key that follows the log's heads; one HPKE wrap a device.
 *
 * @returns the entry, for the log and for every room; and the private key, 32 bytes, of the log's suite, the caller's to keep.
 * @throws RangeError for more than `LIMITS.principalKeys` devices.
 */
export const createAccountKey = async (
  options: NewAccountKey,
): Promise<{ readonly entry: SignedEntry<AccountKey>; readonly privateKey: Uint8Array }> => {
  const { log, author, sign, devices = activeDevices(log) } = options;
  if (devices.length > LIMITS.principalKeys) throw new RangeError(`devices: ${devices.length}`);
  const suite = suiteOfKeys([log.genesis.accountKey]);
  const { publicKey, privateKey } = await hpkeKeyPairOf(suite, options.randomBytes(32));
  const info = wrapInfo(log.root);
  const wraps = [];
  for (const { id, keys } of devices)
    wraps.push({ device: id, wrapped: await wrapKey(keys.hpke, privateKey, info, suite) });
  const { root: account, heads: parents } = log;
  const entry: AccountKey = { type: 'account-key', account, parents, author, accountKey: publicKey, wraps };
  return { entry: signEntry(entry, sign), privateKey };
};

/**
 * The private account key as one device gets it, checked against the public key of the entry.
 *
 * @param account - the account's root, 32 bytes.
 * @param hpkePrivateKey - the device's, 32 bytes, of the log's suite. Borrowed.
 * @returns 32 new bytes; undefined if the entry has nothing for this device.
 * @throws SealwireError LOG_ENTRY_REFUSED if what it has does not open or is another key: its author cheats, and a new
 *   key is due.
 */
export const openAccountKey = async (
  entry: AccountKey,
  account: Uint8Array,
  deviceId: Uint8Array,
  hpkePrivateKey: Uint8Array,
): Promise<Uint8Array | undefined> => {
  const mine = entry.wraps.find(({ device }) => sameBytes(device, deviceId));
  if (!mine) return undefined;
  const suite = suiteOfKeys([entry.accountKey]);
  const key = await unwrapKey(hpkePrivateKey, mine.wrapped, wrapInfo(account), suite);
  if (!key || !sameBytes((await hpkeKeyPairOf(suite, key)).publicKey, entry.accountKey))
    throw new SealwireError(
      'LOG_ENTRY_REFUSED',
      'An account key was refused: what is wrapped to this device is another key.',
    );
  return key;
};

const wrapInfo = (account: Uint8Array): Uint8Array => concat(utf8('sealwire/v1/account-key'), account);
