// The note that waits at the relay for a device that was ended while it was away: why, proved. Rules:
// spec/device-log.md §7.
import { LIMITS, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { verifyNow } from '../crypto/native.ed25519.ts';
import { openFrame, sealFrame, streamKey } from '../frame/envelope.ts';
import { roomIdOf } from '../identity/device-keys.ts';
import { type DeviceLog, isActive, isDeviceLogEntry, pastOf, revocationsOf } from '../identity/device-log.ts';
import {
  type DeviceRevoke,
  encodeEntryBytes,
  entryStatement,
  RIGHT,
  type SignedEntry,
} from '../identity/log-entry.ts';
import { decodeEntries, encodeEntries } from '../room/control.ts';

/** Names the note's key; no stream of a room has this name. */
const STREAM = 'farewell';

/** Bytes of entries in a note: with envelope and padding it stays within `LIMITS.farewellBytes`. */
const ENTRY_BYTES = 3_500;

/**
 * The note for a device that was revoked: the revocation, and as much as fits of what leads to it.
 *
 * @param roomSecret - the account's; the device holds it.
 * @returns undefined if the log does not end the device.
 */
export const sealFarewell = (
  log: DeviceLog,
  deviceId: Uint8Array,
  roomSecret: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array | undefined => {
  const revocation = revocationsOf(log).find(({ device }) => sameBytes(device, deviceId));
  if (!revocation) return undefined;
  const added = log.entries.find(
    ({ entry }) => entry.type === 'device-add' && sameBytes(entry.device.identity, identityOf(log, deviceId)),
  );
  const known = pastOf(log, added ? [added.hash] : [log.root]);
  const past = pastOf(log, [revocation.hash]);
  const chosen: SignedEntry[] = [];
  let bytes = 0;
  for (const entry of [...log.entries].reverse()) {
    const name = toHex(entry.hash);
    if (!past.has(name) || known.has(name)) continue;
    bytes += encodeEntryBytes(entry).length + 3;
    if (chosen.length > 0 && bytes > ENTRY_BYTES) break;
    chosen.unshift(entry);
  }
  return sealFrame(keyOf(log.root, roomSecret), encodeEntries(chosen), randomBytes);
};

/**
 * Opens a note.
 *
 * @returns its device log entries; nothing of them is checked.
 * @throws SealwireError FRAME_UNREADABLE, MALFORMED, UNSUPPORTED_VERSION: then nobody who holds the room secret wrote it.
 */
export const openFarewell = (
  note: Uint8Array,
  account: Uint8Array,
  roomSecret: Uint8Array,
): SignedEntry[] => {
  if (note.length > LIMITS.farewellBytes) throw new SealwireError('TOO_LARGE', 'A farewell is too long.');
  return decodeEntries(openFrame(keyOf(account, roomSecret), note)).filter(
    (entry): entry is SignedEntry => !(entry instanceof SealwireError) && isDeviceLogEntry(entry),
  );
};

/**
 * Whether an entry ends this device by the word of one who may end it, as far as the log is known here. For a revocation
 * that follows entries which did not fit the note: it cannot be placed, but it was signed.
 */
export const endsByRight = (log: DeviceLog, deviceId: Uint8Array, signed: SignedEntry): boolean => {
  if (signed.entry.type !== 'device-revoke') return false;
  const { account, device, author } = signed.entry as DeviceRevoke;
  const by = log.devices.get(toHex(author));
  const [signature] = signed.signatures;
  return (
    sameBytes(account, log.root) &&
    sameBytes(device, deviceId) &&
    by !== undefined &&
    isActive(log, toHex(author)) &&
    (by.rights & RIGHT.link) !== 0 &&
    signature !== undefined &&
    verifyNow(by.keys.identity, entryStatement(signed.hash), signature)
  );
};

const keyOf = (account: Uint8Array, roomSecret: Uint8Array) =>
  streamKey(roomSecret, roomIdOf(roomSecret), STREAM, account);

const identityOf = (log: DeviceLog, deviceId: Uint8Array): Uint8Array =>
  log.devices.get(toHex(deviceId))?.keys.identity ?? log.genesis.device.identity;
