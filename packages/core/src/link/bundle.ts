// What passes between the account's devices when one is linked: the offer (public) and the bundle (secret). Layout:
// spec/link.md §9.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { decodeLog, encodeLog } from '../account/self.ts';
import { fromBase64Url, toBase64Url, utf8 } from '../bytes.ts';
import { deviceIdOf } from '../identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog } from '../identity/device-log.ts';
import {
  type DeviceAdd,
  decodeEntryBytes,
  encodeEntryBytes,
  encodeUnsigned,
  entryHash,
  RIGHT,
  type SignedEntry,
} from '../identity/log-entry.ts';
import type { ProposedDevice } from './proof.ts';

/** The account's device log, and the entry that would add the new device. */
export interface LinkOffer {
  readonly log: DeviceLog;
  readonly add: DeviceAdd;
}

/** Secrets of the account; 32 bytes each. Holds nothing of the phone's own: no identity, no manage seed. */
export interface LinkBundle {
  /** The entry that adds the new device, with both signatures. */
  readonly entry: SignedEntry;
  /** Private account keys, all that the phone holds: older epochs are wrapped to older ones. */
  readonly accountKeys: readonly Uint8Array[];
  readonly roomSecret: Uint8Array;
  readonly epochKeys: readonly Uint8Array[];
}

/** The entry by which `log` takes in a proposed device, without the right to link others. */
export const addEntryFor = (
  log: DeviceLog,
  author: Uint8Array,
  device: ProposedDevice,
  at: number,
): DeviceAdd => ({
  type: 'device-add',
  account: log.root,
  parents: log.heads,
  author,
  device: { identity: device.identityKey, relay: device.relayKey, hpke: device.hpkeKey },
  rights: 0,
  at,
});

export const encodeOffer = ({ log, add }: LinkOffer): Uint8Array =>
  utf8(
    JSON.stringify({
      log: encodeLog(log),
      parents: add.parents.map(toBase64Url),
      author: toBase64Url(add.author),
      rights: add.rights,
      at: add.at,
    }),
  );

/**
 * Reads an offer and rebuilds the entry with this device's own keys, so that what it signs cannot name others.
 *
 * @throws SealwireError MALFORMED, LOG_ENTRY_REFUSED, LINK_NOT_ALLOWED if the phone may not link.
 */
export const readOffer = async (
  offer: Uint8Array,
  inviter: { readonly accountRoot: Uint8Array; readonly phoneKey: Uint8Array },
  keys: DeviceAdd['device'],
): Promise<LinkOffer> => {
  const fields = parse(offer);
  if (!Array.isArray(fields.log)) throw malformed();
  const log = await decodeLog(fields.log);
  if (!sameBytes(log.root, inviter.accountRoot))
    throw new SealwireError('LINK_TAMPERED', 'The phone offered another account than it named. Start anew.');
  const phone = log.devices.get(toHex(deviceIdOf(inviter.phoneKey)));
  const author = bytes(fields.author, 16);
  if (
    !phone ||
    phone.revokedBy ||
    (phone.rights & RIGHT.link) === 0 ||
    !sameBytes(phone.id, author) ||
    fields.rights !== 0
  )
    throw new SealwireError(
      'LINK_NOT_ALLOWED',
      'The device that scanned the code may not link others. Use the phone that made the account.',
    );
  if (!Array.isArray(fields.parents) || !Number.isSafeInteger(fields.at) || (fields.at as number) < 0)
    throw malformed();
  const parents = fields.parents.map((parent) => bytes(parent, 32));
  const add: DeviceAdd = {
    type: 'device-add',
    account: log.root,
    parents,
    author,
    device: keys,
    rights: 0,
    at: fields.at as number,
  };
  encodeUnsigned(add);
  return { log, add };
};

export const encodeBundle = (bundle: LinkBundle): Uint8Array =>
  utf8(
    JSON.stringify({
      entry: toBase64Url(encodeEntryBytes(bundle.entry)),
      accountKeys: bundle.accountKeys.map(toBase64Url),
      roomSecret: toBase64Url(bundle.roomSecret),
      epochKeys: bundle.epochKeys.map(toBase64Url),
    }),
  );

/** @throws SealwireError MALFORMED */
export const readBundle = (bundle: Uint8Array): LinkBundle => {
  const fields = parse(bundle);
  const { accountKeys, epochKeys } = fields;
  if (!isList(accountKeys) || !isList(epochKeys)) throw malformed();
  return {
    entry: decodeEntryBytes(bytes(fields.entry)),
    accountKeys: accountKeys.map((key) => bytes(key, 32)),
    roomSecret: bytes(fields.roomSecret, 32),
    epochKeys: epochKeys.map((key) => bytes(key, 32)),
  };
};

/**
 * Reads a bundle for the offer that this device accepted.
 *
 * @returns the account's secrets, and its log with this device in it.
 * @throws SealwireError MALFORMED; LINK_TAMPERED if its entry is not the one that this device signed; LOG_ENTRY_REFUSED.
 */
export const joinAccount = async (
  offer: LinkOffer,
  bytes: Uint8Array,
): Promise<Omit<LinkBundle, 'entry'> & { readonly log: DeviceLog }> => {
  const { entry, ...secrets } = readBundle(bytes);
  if (!sameBytes(entry.hash, entryHash(encodeUnsigned(offer.add))))
    throw new SealwireError('LINK_TAMPERED', 'The phone added another device than this one. Start anew.');
  return { ...secrets, log: await addToDeviceLog(offer.log, entry as SignedEntry<DeviceAdd>) };
};

/** One at least. */
const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

const parse = (json: Uint8Array): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below without the bytes, which may be secret.
  }
  throw malformed();
};

const bytes = (value: unknown, length?: number): Uint8Array => {
  const decoded = typeof value === 'string' ? fromBase64Url(value) : undefined;
  if (!decoded || (length !== undefined && decoded.length !== length)) throw malformed();
  return decoded;
};

const malformed = (): SealwireError =>
  new SealwireError('MALFORMED', 'What the phone sent cannot be read: update both apps and start anew.');
