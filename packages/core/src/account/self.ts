// What a device knows of itself and its account, as one sealed record in the vault. Layout: spec/vault.md §6.
import { SealwireError } from '@sealwire/protocol';
import { fromBase64Url, toBase64Url, utf8 } from '../bytes.ts';
import type { DeviceSecrets } from '../identity/device-keys.ts';
import { addToDeviceLog, type DeviceLog, isDeviceLogEntry, startDeviceLog } from '../identity/device-log.ts';
import {
  type DeviceGenesis,
  decodeEntryBytes,
  encodeEntryBytes,
  type SignedEntry,
} from '../identity/log-entry.ts';

/** Holds secret keys: only ever sealed, never logged. */
export interface Self {
  readonly secrets: DeviceSecrets;
  /** X25519 private keys of the account that this device holds, oldest first. */
  readonly accountKeys: readonly Uint8Array[];
  /** Secret of the account's room, and the keys of its epochs. */
  readonly roomSecret: Uint8Array;
  readonly epochKeys: readonly Uint8Array[];
  /** The account's device log as it was when this record was written; newer entries are in the account's room. */
  readonly log: DeviceLog;
  /** Ed25519 seed of the principal's manage key, on devices that may link others. */
  readonly manageSeed: Uint8Array | undefined;
  /** The relay keys that this device wrote last into its principal, and at which version. */
  readonly principalWritten: { readonly version: number; readonly keys: string };
}

const VERSION = 1;

/** @returns JSON in UTF-8, to be sealed. */
export const encodeSelf = (self: Self): Uint8Array =>
  utf8(
    JSON.stringify({
      v: VERSION,
      identity: toBase64Url(self.secrets.identity),
      relay: toBase64Url(self.secrets.relay),
      hpke: toBase64Url(self.secrets.hpke),
      accountKeys: self.accountKeys.map(toBase64Url),
      roomSecret: toBase64Url(self.roomSecret),
      epochKeys: self.epochKeys.map(toBase64Url),
      log: encodeLog(self.log),
      ...(self.manageSeed && { manageSeed: toBase64Url(self.manageSeed) }),
      principalWritten: self.principalWritten,
    }),
  );

/** @throws SealwireError STORAGE_CORRUPT, STORAGE_NEWER */
export const decodeSelf = async (json: Uint8Array): Promise<Self> => {
  const fields = parseJson(json);
  if (Number.isSafeInteger(fields.v) && (fields.v as number) > VERSION) throw newer();
  if (fields.v !== VERSION) throw corrupt();
  return {
    secrets: { identity: key(fields.identity), relay: key(fields.relay), hpke: key(fields.hpke) },
    accountKeys: list(fields.accountKeys).map(key),
    roomSecret: key(fields.roomSecret),
    epochKeys: list(fields.epochKeys).map(key),
    log: await storedLog(list(fields.log)),
    manageSeed: fields.manageSeed === undefined ? undefined : key(fields.manageSeed),
    principalWritten: readWritten(fields.principalWritten),
  };
};

/** The entries of a device log as base64url, oldest first. */
export const encodeLog = (log: DeviceLog): string[] =>
  log.entries.map((entry) => toBase64Url(encodeEntryBytes(entry)));

/**
 * Reads a device log and checks every entry.
 *
 * @throws SealwireError LOG_ENTRY_REFUSED, MALFORMED, UNSUPPORTED_VERSION
 */
export const decodeLog = async (entries: readonly unknown[]): Promise<DeviceLog> => {
  const [first, ...rest] = entries.map((entry) => {
    const decoded = typeof entry === 'string' ? fromBase64Url(entry) : undefined;
    if (!decoded) throw noLog();
    return decodeEntryBytes(decoded);
  });
  if (first?.entry.type !== 'device-genesis') throw noLog();
  let log = await startDeviceLog(first as SignedEntry<DeviceGenesis>);
  for (const entry of rest) {
    if (!isDeviceLogEntry(entry) || entry.entry.type === 'device-genesis') throw noLog();
    log = await addToDeviceLog(log, entry);
  }
  return log;
};

/** The log in this device's own record: what is wrong with it is wrong with the storage. */
const storedLog = async (entries: readonly unknown[]): Promise<DeviceLog> => {
  try {
    return await decodeLog(entries);
  } catch (error) {
    if (!(error instanceof SealwireError)) throw error;
    throw error.code === 'UNSUPPORTED_VERSION' ? newer() : corrupt();
  }
};

const parseJson = (json: Uint8Array): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(json));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: what is no JSON is a corrupt record, said without its content.
  }
  throw corrupt();
};

const list = (value: unknown): unknown[] => {
  if (!Array.isArray(value)) throw corrupt();
  return value;
};

const key = (value: unknown): Uint8Array => {
  const decoded = typeof value === 'string' ? fromBase64Url(value) : undefined;
  if (decoded?.length !== 32) throw corrupt();
  return decoded;
};

const readWritten = (value: unknown): Self['principalWritten'] => {
  const { version, keys } = (value ?? {}) as { readonly version?: unknown; readonly keys?: unknown };
  if (!Number.isSafeInteger(version) || typeof keys !== 'string') throw corrupt();
  return { version: version as number, keys };
};

const noLog = (): SealwireError => new SealwireError('MALFORMED', 'Bytes are no device log.');

const newer = (): SealwireError =>
  new SealwireError('STORAGE_NEWER', 'The vault was written by a newer version: update this app.');

const corrupt = (): SealwireError =>
  new SealwireError('STORAGE_CORRUPT', 'What this device knows of itself is damaged. Link it anew.');
