// All device logs that this device knows, by account, and the devices in them. Rules: spec/device-log.md §5.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import {
  addToDeviceLog,
  type DeviceLog,
  everDevice,
  isDeviceLogEntry,
  knows,
  type LoggedDevice,
  startDeviceLog,
} from './device-log.ts';
import type { DeviceGenesis, DeviceLogEntry, SignedEntry } from './log-entry.ts';

/** Entries that may wait at once for what they follow; past it the one that waited longest is forgotten. */
export const WAITING_ENTRIES = 256;

export interface Directory {
  /** The log of an account whose root is known. */
  log(accountId: string): DeviceLog | undefined;
  /** A device by its id, hexadecimal, whichever account it belongs to. Revoked devices are found as well. */
  device(deviceId: string): LoggedDevice | undefined;
  /** As `device`, and also a device whose addition turned out void: what it signed before must still be verified. */
  author(deviceId: string): Pick<LoggedDevice, 'id' | 'account' | 'keys'> | undefined;
  /**
   * Takes up the log of an account that a membership log, a contact or an invitation names, from its first entry on.
   * @returns true if it was not known. @throws SealwireError LOG_ENTRY_REFUSED
   */
  adopt(genesis: SignedEntry<DeviceGenesis>): Promise<boolean>;
  /**
   * Takes an entry from wherever it came: it proves itself. Entries of accounts that are not known, and entries of
   * other logs, are left alone; one that follows an unknown entry waits for that.
   * @returns true if the directory knows something new.
   * @throws SealwireError LOG_ENTRY_REFUSED
   */
  learn(entry: SignedEntry): Promise<boolean>;
  onChange(listener: () => void): () => void;
}

/** @param logs - the logs known at the start, each opened and checked. */
export const createDirectory = (logs: readonly DeviceLog[]): Directory => {
  const byAccount = new Map(logs.map((log) => [toHex(log.root), log]));
  const listeners = new Set<() => void>();
  /** By hash, in the order of arrival. */
  const waiting = new Map<string, SignedEntry<FollowingEntry>>();

  const isEarly = ({ entry }: SignedEntry<FollowingEntry>): boolean => {
    const log = byAccount.get(toHex(entry.account));
    return log === undefined || !entry.parents.every((parent) => knows(log, parent));
  };

  const wait = (signed: SignedEntry<FollowingEntry>): void => {
    waiting.set(toHex(signed.hash), signed);
    const [longest] = waiting.keys();
    if (waiting.size > WAITING_ENTRIES) waiting.delete(longest!);
  };

  /** @returns true if the log has grown. Signatures take time, and another entry may come meanwhile: then once more. */
  const add = async (account: string, signed: SignedEntry<FollowingEntry>): Promise<boolean> => {
    for (;;) {
      const log = byAccount.get(account)!;
      const longer = await addToDeviceLog(log, signed);
      if (longer === log) return false;
      if (byAccount.get(account) !== log) continue;
      byAccount.set(account, longer);
      return true;
    }
  };

  /** Adds what waited for the entries that are known by now, and what waited for those. */
  const addWaiting = async (account: string): Promise<void> => {
    for (;;) {
      const next = [...waiting.values()].find(
        (signed) => toHex(signed.entry.account) === account && !isEarly(signed),
      );
      if (!next) return;
      waiting.delete(toHex(next.hash));
      // A wrong one is forgotten: whoever brought it has gone on, and it never counted.
      await add(account, next).catch(ignoreRefusal);
    }
  };

  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  return {
    log: (accountId) => byAccount.get(accountId),
    author(deviceId) {
      for (const log of byAccount.values()) {
        const device = everDevice(log, deviceId);
        if (device) return device;
      }
      return undefined;
    },
    async adopt(genesis) {
      const account = toHex(genesis.hash);
      if (byAccount.has(account)) return false;
      const log = await startDeviceLog(genesis);
      if (byAccount.has(account)) return false; // It came twice at once.
      byAccount.set(account, log);
      await addWaiting(account);
      changed();
      return true;
    },
    device(deviceId) {
      for (const log of byAccount.values()) {
        const device = log.devices.get(deviceId);
        if (device) return device;
      }
      return undefined;
    },
    async learn(signed) {
      if (!isFollowing(signed)) return false;
      const account = toHex(signed.entry.account);
      if (!byAccount.has(account)) return false;
      if (isEarly(signed)) {
        wait(signed);
        return false;
      }
      if (!(await add(account, signed))) return false;
      await addWaiting(account);
      changed();
      return true;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

/** Entries of device logs but the first, which is the account and therefore known or not. */
type FollowingEntry = Exclude<DeviceLogEntry, { readonly type: 'device-genesis' }>;

const isFollowing = (signed: SignedEntry): signed is SignedEntry<FollowingEntry> =>
  isDeviceLogEntry(signed) && signed.entry.type !== 'device-genesis';

/** A device that must be known. @throws SealwireError LOG_ENTRY_REFUSED */
export const requireDevice = (directory: Directory, id: Uint8Array): LoggedDevice => {
  const device = directory.device(toHex(id));
  if (!device || !sameBytes(device.id, id))
    throw new SealwireError('LOG_ENTRY_REFUSED', "A device is not in its account's log.");
  return device;
};

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
