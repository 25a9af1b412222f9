// What people are told of: devices that came and went without this device's doing. Pure. Rules: spec/contacts.md §5.
import { sameBytes, toHex } from '@sealwire/protocol';
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
  const mine = adds.find(({ entry }) => addedBy(entry) === deviceId);
  if (!mine) return [];
  const before = pastOf(own, [mine.hash]);
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

const addedBy = (entry: SignedEntry['entry']): string | undefined =>
  entry.type === 'device-add' || entry.type === 'device-genesis'
    ? toHex(deviceIdOf(entry.device.identity))
    : undefined;
