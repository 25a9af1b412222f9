// The device log of one account: who may speak for it. Decides which entries count. Rules: spec/device-log.md §3.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { verifyEd25519 } from '#native';
import type { DevicePublic } from './device-keys.ts';
import { deviceIdOf } from './device-keys.ts';
import { type DeviceAdd, type DeviceGenesis, entryStatement, RIGHT, type SignedEntry } from './log-entry.ts';

/** A device as its account's log has it. */
export interface LoggedDevice {
  readonly id: Uint8Array;
  readonly account: Uint8Array;
  readonly keys: DevicePublic;
  readonly rights: number;
  readonly at: number;
}

/** The accepted entries of one account's device log. */
export interface DeviceLog {
  /** The account's id: the hash of its first entry. */
  readonly root: Uint8Array;
  readonly genesis: DeviceGenesis;
  readonly entries: readonly SignedEntry<DeviceGenesis | DeviceAdd>[];
  readonly devices: ReadonlyMap<string, LoggedDevice>;
  /** Hashes of the entries that no other entry follows. */
  readonly heads: readonly Uint8Array[];
}

/**
 * Opens a log with its first entry.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED if its signature is not its own device's.
 */
export const startDeviceLog = async (signed: SignedEntry<DeviceGenesis>): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  await requireSignature(entry.device.identity, hash, signed.signatures[0]);
  const id = deviceIdOf(entry.device.identity);
  const device: LoggedDevice = { id, account: hash, keys: entry.device, rights: RIGHT.link, at: entry.at };
  return {
    root: hash,
    genesis: entry,
    entries: [signed],
    devices: new Map([[toHex(id), device]]),
    heads: [hash],
  };
};

/**
 * The log with one more entry. An entry that the log has already changes nothing.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED: another account's, an unknown parent, an author without the right, a wrong
 *   signature of either device, or a device that the log has already.
 */
export const addToDeviceLog = async (log: DeviceLog, signed: SignedEntry<DeviceAdd>): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  if (log.entries.some((known) => sameBytes(known.hash, hash))) return log;
  if (!sameBytes(entry.account, log.root)) throw refused('it belongs to another account');
  if (entry.parents.length < 1) throw refused('it follows no entry');
  for (const parent of entry.parents)
    if (!log.entries.some((known) => sameBytes(known.hash, parent)))
      throw refused('it follows an unknown entry');
  const author = log.devices.get(toHex(entry.author));
  if (!author) throw refused('its author is not in the log');
  if ((author.rights & RIGHT.link) === 0) throw refused('its author may not link devices');
  const id = deviceIdOf(entry.device.identity);
  if (log.devices.has(toHex(id))) throw refused('the log has that device already');
  await requireSignature(author.keys.identity, hash, signed.signatures[0]);
  await requireSignature(entry.device.identity, hash, signed.signatures[1]);
  const device: LoggedDevice = {
    id,
    account: log.root,
    keys: entry.device,
    rights: entry.rights,
    at: entry.at,
  };
  return {
    ...log,
    entries: [...log.entries, signed],
    devices: new Map(log.devices).set(toHex(id), device),
    heads: [...log.heads.filter((head) => !entry.parents.some((parent) => sameBytes(parent, head))), hash],
  };
};

const requireSignature = async (
  key: Uint8Array,
  hash: Uint8Array,
  signature: Uint8Array | undefined,
): Promise<void> => {
  if (!signature || !(await verifyEd25519(key, entryStatement(hash), signature)))
    throw refused('a signature is wrong');
};

const refused = (why: string): SealwireError =>
  new SealwireError('LOG_ENTRY_REFUSED', `A device log entry was refused: ${why}.`);
