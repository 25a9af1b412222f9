// The device log of one account: who may speak for it. Decides which entries count. Rules: spec/device-log.md §3.
import { compareBytes, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
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

type LogEntries = DeviceLog['entries'];

/**
 * Opens a log with its first entry.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED if its signature is not its own device's.
 */
export const startDeviceLog = async (signed: SignedEntry<DeviceGenesis>): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  await requireSignature(entry.device.identity, hash, signed.signatures[0]);
  return { root: hash, genesis: entry, entries: [signed], devices: devicesOf(hash, [signed]), heads: [hash] };
};

/**
 * The log with one more entry. An entry that the log has already changes nothing. It is judged by what it follows and by
 * nothing else that the log holds: otherwise the order of arrival would decide who may speak.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED: another account's, an unknown parent, an author without the right, a wrong
 *   signature of either device, or a device that was there already.
 */
export const addToDeviceLog = async (log: DeviceLog, signed: SignedEntry<DeviceAdd>): Promise<DeviceLog> => {
  const { entry, hash } = signed;
  if (log.entries.some((known) => sameBytes(known.hash, hash))) return log;
  if (!sameBytes(entry.account, log.root)) throw refused('it belongs to another account');
  if (entry.parents.length < 1) throw refused('it follows no entry');
  const before = devicesOf(log.root, pastOf(log.entries, entry.parents));
  const author = before.get(toHex(entry.author));
  if (!author) throw refused('its author is not in the log');
  if ((author.rights & RIGHT.link) === 0) throw refused('its author may not link devices');
  if (before.has(toHex(deviceIdOf(entry.device.identity)))) throw refused('the log has that device already');
  await requireSignature(author.keys.identity, hash, signed.signatures[0]);
  await requireSignature(entry.device.identity, hash, signed.signatures[1]);
  const entries = [...log.entries, signed];
  const heads = log.heads.filter((head) => !entry.parents.some((parent) => sameBytes(parent, head)));
  return {
    ...log,
    entries,
    devices: devicesOf(log.root, entries),
    heads: [...heads, hash].sort(compareBytes),
  };
};

/** The entries that `parents` name, and all that those follow. @throws SealwireError LOG_ENTRY_REFUSED for an unknown one. */
const pastOf = (entries: LogEntries, parents: readonly Uint8Array[]): LogEntries => {
  const byHash = new Map(entries.map((signed) => [toHex(signed.hash), signed]));
  const past = new Set<LogEntries[number]>();
  const left = [...parents];
  for (let hash = left.pop(); hash; hash = left.pop()) {
    const signed = byHash.get(toHex(hash));
    if (!signed) throw refused('it follows an unknown entry');
    if (past.has(signed)) continue;
    past.add(signed);
    if (signed.entry.type === 'device-add') left.push(...signed.entry.parents);
  }
  return [...past];
};

/** The devices that entries add. Of entries that add one device and do not know of each other, the lesser hash counts. */
const devicesOf = (root: Uint8Array, entries: LogEntries): ReadonlyMap<string, LoggedDevice> => {
  const devices = new Map<string, LoggedDevice>();
  const addedBy = new Map<string, Uint8Array>();
  for (const { entry, hash } of entries) {
    const id = deviceIdOf(entry.device.identity);
    const key = toHex(id);
    const other = addedBy.get(key);
    if (other && compareBytes(other, hash) < 0) continue;
    addedBy.set(key, hash);
    const rights = entry.type === 'device-genesis' ? RIGHT.link : entry.rights;
    devices.set(key, { id, account: root, keys: entry.device, rights, at: entry.at });
  }
  return devices;
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
