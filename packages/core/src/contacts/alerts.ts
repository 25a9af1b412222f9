// What people are told of: devices that came and went without this device's doing. Pure. Rules: spec/contacts.md §5.
import { LIMITS, sameBytes, toHex } from '@sealwire/protocol';
import { toBase64Url } from '../bytes.ts';
import { deviceIdOf } from '../identity/device-keys.ts';
import { type DeviceLog, pastOf, revocationsOf } from '../identity/device-log.ts';
import { encodeEntryBytes, type SignedEntry } from '../identity/log-entry.ts';
import type { AlertEntry } from '../logdoc/contact-entries.ts';
import type { Book } from './book.ts';
import type { Unstamped } from './judge.ts';

export interface AlertSources {
  readonly book: Book;
  /** The own account's log, and this device in it; ids in hexadecimal. */
  readonly own: DeviceLog;
  readonly deviceId: string;
  /** The log of an account, as far as it is known. */
  readonly log: (accountId: string) => DeviceLog | undefined;
  /** The name of an own device, as far as it is known. */
  readonly deviceName: (deviceId: string) => string;
}

/** Alerts that nobody of this account has written down yet. */
export const alertsDue = (sources: AlertSources): Unstamped[] => [
  ...ownAlerts(sources),
  ...lapseAlerts(sources),
  ...[...sources.book.contacts.values()].flatMap(({ id, s, n }) =>
    s === 'known' ? contactAlerts(sources, id, n) : [],
  ),
];

/** True if this device itself did what the alert is about. */
export const isOwnDoing = ({ own, deviceId }: AlertSources, { id, q }: AlertEntry): boolean =>
  q === 'device-linked' &&
  own.entries.some(
    ({ hash, entry }) => toHex(hash) === id && 'author' in entry && toHex(entry.author) === deviceId,
  );

/** Own devices that were linked since this one was, by another than this one. */
const ownAlerts = ({ book, own, deviceId, deviceName }: AlertSources): Unstamped[] => {
  const adds = own.entries.filter(
    ({ entry }) => entry.type === 'device-add' || entry.type === 'device-genesis',
  );
  const before = knownBefore(own, deviceId);
  if (!before) return [];
  return adds.flatMap(({ hash, entry }): Unstamped[] => {
    const id = toHex(hash);
    const d = addedBy(entry)!;
    const done = before.has(id) || book.alerts.has(id) || !own.devices.has(d);
    if (done || entry.type !== 'device-add' || toHex(entry.author) === deviceId) return [];
    const alert = {
      k: 'alert',
      id,
      q: 'device-linked',
      f: toHex(own.root),
      d,
      n: deviceName(d),
      v: true,
    } as const;
    return [alert];
  });
};

/** Own devices that were ended for having been away for too long: nobody may have been looking. */
const lapseAlerts = ({ book, own, deviceId, deviceName }: AlertSources): Unstamped[] => {
  const before = knownBefore(own, deviceId);
  return revocationsOf(own).flatMap(({ hash, device, entry }): Unstamped[] => {
    const [id, d] = [toHex(hash), toHex(device)];
    if (!before || before.has(id) || book.alerts.has(id) || sameBytes(entry.author, device)) return [];
    const times = [...own.entries, ...own.renewals].flatMap((signed) => {
      const { entry: of } = signed;
      const isOf = addedBy(of) === d || (of.type === 'device-renew' && sameBytes(of.author, device));
      return isOf && 'at' in of ? [of.at] : [];
    });
    if (entry.at - Math.max(...times) <= LIMITS.renewalLapseMs) return [];
    return [{ k: 'alert', id, q: 'device-lapsed', f: toHex(own.root), d, n: deviceName(d), v: true }];
  });
};

/** A contact's devices that came or went since the contact was made: what its entries hold is known to the person. */
const contactAlerts = ({ book, log: logOf }: AlertSources, f: string, n: string): Unstamped[] => {
  const log = logOf(f);
  const known = book.logs.get(f);
  if (!log || !known) return [];
  const isNews = (entry: SignedEntry): boolean =>
    !known.has(toBase64Url(encodeEntryBytes(entry))) && !book.alerts.has(toHex(entry.hash));
  const revocations = revocationsOf(log).map(({ hash }) => hash);
  return log.entries.filter(isNews).flatMap(({ hash, entry }): Unstamped[] => {
    const alert = { k: 'alert', id: toHex(hash), f, n, v: true } as const;
    const added = addedBy(entry);
    if (entry.type === 'device-add' && log.devices.has(added!))
      return [{ ...alert, q: 'contact-device-linked', d: added! } as const];
    if (entry.type === 'device-revoke' && revocations.some((other) => sameBytes(other, hash)))
      return [{ ...alert, q: 'contact-device-logged-out', d: toHex(entry.device) } as const];
    return [];
  });
};

/** What came before this device was linked, by hash; undefined if it never was. */
const knownBefore = (own: DeviceLog, deviceId: string): ReadonlySet<string> | undefined => {
  const mine = own.entries.find(({ entry }) => addedBy(entry) === deviceId);
  return mine && pastOf(own, [mine.hash]);
};

const addedBy = (entry: SignedEntry['entry']): string | undefined =>
  entry.type === 'device-add' || entry.type === 'device-genesis'
    ? toHex(deviceIdOf(entry.device.identity))
    : undefined;
