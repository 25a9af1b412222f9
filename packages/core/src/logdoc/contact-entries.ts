// Entries of the account document about other people: cards, contacts, requests, mail, alerts. Rules:
// spec/contacts.md §3.
import { LIMITS } from '@sealwire/protocol';
import type { Stamp } from './stamp.ts';

/** An own token: it opens this account's inbox while it is live. */
export interface CardEntry {
  readonly k: 'card';
  readonly t: Stamp;
  /** Token, hexadecimal. */
  readonly id: string;
  /** `shown` on cards, or given to `contacts` in messages: revoking a card leaves contacts their way to answer. */
  readonly q: 'shown' | 'contacts';
  /** False once it is revoked. */
  readonly v: boolean;
}

export interface ContactEntry {
  readonly k: 'contact';
  readonly t: Stamp;
  /** Account root, hexadecimal. */
  readonly id: string;
  readonly s: 'asked' | 'known';
  /** The person's name, as they gave it. */
  readonly n: string;
  /** Principal and account key of their card, and the token of their inbox; base64url. */
  readonly p: string;
  readonly a: string;
  readonly w: string;
  /** Entries of their device log, base64url; none while they are asked. */
  readonly l: readonly string[];
}

/** Somebody wants something that a person must decide. */
export interface RequestEntry {
  readonly k: 'request';
  readonly t: Stamp;
  /** Id of the message, hexadecimal. */
  readonly id: string;
  /** Account root of who asks, hexadecimal. */
  readonly f: string;
  readonly q: 'contact' | 'invitation';
  readonly s: 'pending' | 'accepted' | 'declined';
  readonly n: string;
  /** Title of the chat, of an invitation. */
  readonly h?: string;
  /** The signed content, base64url; absent once it is decided. */
  readonly b?: string;
}

/** A message that this account owes somebody. */
export interface MailEntry {
  readonly k: 'mail';
  readonly t: Stamp;
  /** Id of the message, hexadecimal. */
  readonly id: string;
  /** Account root of who gets it, hexadecimal. */
  readonly f: string;
  readonly q: 'request' | 'accept' | 'invite';
  /** The request that it answers, or the chat that it invites to, hexadecimal; empty for a request. */
  readonly r: string;
  /** The device that decided it and is to send it, hexadecimal. */
  readonly d: string;
  readonly s: 'due' | 'sent';
}

/** A message that was dealt with and left nothing else behind. */
export interface SeenEntry {
  readonly k: 'seen';
  readonly t: Stamp;
  /** Id of the message, hexadecimal. */
  readonly id: string;
}

/** Whether the safety numbers were compared. */
export interface VerifiedEntry {
  readonly k: 'verified';
  readonly t: Stamp;
  /** Account root, hexadecimal. */
  readonly id: string;
  readonly v: boolean;
}

export interface AlertEntry {
  readonly k: 'alert';
  readonly t: Stamp;
  /** Hash of the log entry that it is about, hexadecimal. */
  readonly id: string;
  readonly q:
    | 'device-linked'
    | 'device-lapsed'
    | 'contact-device-linked'
    | 'contact-device-logged-out'
    | 'log-forked';
  /** Account root, hexadecimal. */
  readonly f: string;
  /** Device id, hexadecimal; empty if it is about none. */
  readonly d: string;
  readonly n: string;
  /** False once it was dismissed. */
  readonly v: boolean;
}

export type ContactsEntry =
  | CardEntry
  | ContactEntry
  | RequestEntry
  | MailEntry
  | SeenEntry
  | VerifiedEntry
  | AlertEntry;

type Fields = Record<string, unknown>;
type Reader = (fields: Fields, t: Stamp) => ContactsEntry | undefined;

const HEX_32 = /^[0-9a-f]{64}$/;
const HEX_16 = /^[0-9a-f]{32}$/;
const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;
const TOKEN_TEXT = /^[A-Za-z0-9_-]{22}$/;
const BYTES_TEXT = /^[A-Za-z0-9_-]+$/;

const matches = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value);
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LIMITS.nameChars;
const oneOf = <T extends string>(value: unknown, list: readonly T[]): value is T =>
  (list as readonly unknown[]).includes(value);

const readCard: Reader = ({ id, q, v }, t) =>
  matches(id, HEX_16) && oneOf(q, ['shown', 'contacts']) && typeof v === 'boolean'
    ? { k: 'card', t, id, q, v }
    : undefined;

const readContact: Reader = ({ id, s, n, p, a, w, l }, t) =>
  matches(id, HEX_32) &&
  oneOf(s, ['asked', 'known']) &&
  isName(n) &&
  matches(p, KEY_TEXT) &&
  matches(a, KEY_TEXT) &&
  matches(w, TOKEN_TEXT) &&
  Array.isArray(l) &&
  l.every((item): item is string => matches(item, BYTES_TEXT))
    ? { k: 'contact', t, id, s, n, p, a, w, l: [...l] }
    : undefined;

const readRequest: Reader = ({ id, f, q, s, n, h, b }, t) =>
  matches(id, HEX_16) &&
  matches(f, HEX_32) &&
  oneOf(q, ['contact', 'invitation']) &&
  oneOf(s, ['pending', 'accepted', 'declined']) &&
  isName(n) &&
  (h === undefined || isName(h)) &&
  (b === undefined || matches(b, BYTES_TEXT))
    ? { k: 'request', t, id, f, q, s, n, ...(h !== undefined && { h }), ...(b !== undefined && { b }) }
    : undefined;

const readMail: Reader = ({ id, f, q, r, d, s }, t) =>
  matches(id, HEX_16) &&
  matches(f, HEX_32) &&
  oneOf(q, ['request', 'accept', 'invite']) &&
  (q === 'request' ? r === '' : matches(r, q === 'accept' ? HEX_16 : HEX_32)) &&
  matches(d, HEX_16) &&
  oneOf(s, ['due', 'sent'])
    ? { k: 'mail', t, id, f, q, r: r as string, d, s }
    : undefined;

const readSeen: Reader = ({ id }, t) => (matches(id, HEX_16) ? { k: 'seen', t, id } : undefined);

const readVerified: Reader = ({ id, v }, t) =>
  matches(id, HEX_32) && typeof v === 'boolean' ? { k: 'verified', t, id, v } : undefined;

const readAlert: Reader = ({ id, q, f, d, n, v }, t) =>
  matches(id, HEX_32) &&
  oneOf(q, [
    'device-linked',
    'device-lapsed',
    'contact-device-linked',
    'contact-device-logged-out',
    'log-forked',
  ]) &&
  matches(f, HEX_32) &&
  (d === '' || matches(d, HEX_16)) &&
  isName(n) &&
  typeof v === 'boolean'
    ? { k: 'alert', t, id, q, f, d: d as string, n, v }
    : undefined;

/** Readers by kind, for entries.ts. Each is total. */
export const contactReaders: Readonly<Record<ContactsEntry['k'], Reader>> = {
  card: readCard,
  contact: readContact,
  request: readRequest,
  mail: readMail,
  seen: readSeen,
  verified: readVerified,
  alert: readAlert,
};
