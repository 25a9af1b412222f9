// Which cuts of a room count: a pure function of the cuts and of the device logs. Rules: spec/epochs.md §4.
import { sameBytes, toHex } from '@sealwire/protocol';
import { type DeviceLog, isActive, revocationsOf } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import type { Cut, SignedEntry } from '../identity/log-entry.ts';

/**
 * The cut that counts of each device, by device id in hexadecimal. Its revocation counts, and its author is another device
 * of the same account: an active one if there is such a cut. Of several the lesser hash.
 *
 * @param cuts - signed by their authors.
 */
export const countingCuts = (
  cuts: readonly SignedEntry<Cut>[],
  directory: Pick<Directory, 'log' | 'author'>,
): ReadonlyMap<string, SignedEntry<Cut>> => {
  const best = new Map<string, { readonly cut: SignedEntry<Cut>; readonly byActive: boolean }>();
  for (const cut of cuts) {
    const log = logOf(cut, directory);
    if (!log || !revokes(log, cut.entry)) continue;
    const device = toHex(cut.entry.device);
    const byActive = isActive(log, toHex(cut.entry.author));
    const other = best.get(device);
    if (
      !other ||
      (byActive && !other.byActive) ||
      (byActive === other.byActive && toHex(cut.hash) < toHex(other.cut.hash))
    )
      best.set(device, { cut, byActive });
  }
  return new Map([...best].map(([device, { cut }]) => [device, cut]));
};

/** The devices of a log that were revoked and that no active device has cut yet, by id in hexadecimal. */
export const uncutDevices = (
  log: DeviceLog,
  counting: ReadonlyMap<string, SignedEntry<Cut>>,
): { readonly device: Uint8Array; readonly revocation: Uint8Array; readonly revoker: Uint8Array }[] => {
  const uncut = new Map<
    string,
    { readonly device: Uint8Array; readonly revocation: Uint8Array; readonly revoker: Uint8Array }
  >();
  for (const { device, hash, entry } of revocationsOf(log)) {
    const name = toHex(device);
    const cut = counting.get(name);
    if (uncut.has(name) || (cut && isActive(log, toHex(cut.entry.author)))) continue;
    uncut.set(name, { device, revocation: hash, revoker: entry.author });
  }
  return [...uncut.values()];
};

const logOf = ({ entry }: SignedEntry<Cut>, directory: Pick<Directory, 'log' | 'author'>) => {
  const author = directory.author(toHex(entry.author));
  return author && directory.log(toHex(author.account));
};

const revokes = (log: DeviceLog, { revoke, device }: Cut): boolean =>
  revocationsOf(log).some(
    (revocation) => sameBytes(revocation.hash, revoke) && sameBytes(revocation.device, device),
  );
