// All device logs that this device knows, by account, and the devices in them. Rules: spec/device-log.md §4.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { addToDeviceLog, type DeviceLog, type LoggedDevice } from './device-log.ts';
import type { DeviceAdd, SignedEntry } from './log-entry.ts';

export interface Directory {
  /** The log of an account whose root is known. */
  log(accountId: string): DeviceLog | undefined;
  /** A device by its id, hexadecimal, whichever account it belongs to. */
  device(deviceId: string): LoggedDevice | undefined;
  /**
   * Takes an entry from wherever it came: it proves itself. Entries of accounts that are not known are left alone.
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
  return {
    log: (accountId) => byAccount.get(accountId),
    device(deviceId) {
      for (const log of byAccount.values()) {
        const device = log.devices.get(deviceId);
        if (device) return device;
      }
      return undefined;
    },
    async learn(signed) {
      if (signed.entry.type !== 'device-add') return false;
      const account = toHex(signed.entry.account);
      const log = byAccount.get(account);
      if (!log) return false;
      const longer = await addToDeviceLog(log, signed as SignedEntry<DeviceAdd>);
      if (longer === log) return false;
      // Another entry may have been added while this one's signatures were checked: add to what is there now.
      const current = byAccount.get(account)!;
      byAccount.set(
        account,
        current === log ? longer : await addToDeviceLog(current, signed as SignedEntry<DeviceAdd>),
      );
      for (const listener of listeners) listener();
      return true;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

/** The entries of a log that come before or at one device's own, as it must show them to be believed. */
export const requireDevice = (directory: Directory, id: Uint8Array): LoggedDevice => {
  const device = directory.device(toHex(id));
  if (!device || !sameBytes(device.id, id))
    throw new SealwireError('LOG_ENTRY_REFUSED', "A device is not in its account's log.");
  return device;
};
