// Entries: what an author said, once and for ever, as JSON in UTF-8. Rules: spec/log-document.md §2.
import { LIMITS } from '@sealwire/protocol';
import { utf8 } from '../bytes.ts';
import { type ContactsEntry, contactReaders } from './contact-entries.ts';
import { isStamp, type Stamp } from './stamp.ts';

/** Names in entries are one letter long: they are stored once a message. */
export interface MessageEntry {
  readonly k: 'm';
  /** When, on the author's hybrid logical clock. */
  readonly t: Stamp;
  /** The text. */
  readonly x: string;
  /** Imported: who is said to have written it, when (ms since 1970), and in which app. */
  readonly o?: { readonly n: string; readonly s: number; readonly a: string };
}

/** In the account document: a chat that this account takes part in, with what opens it. */
export interface ChatEntry {
  readonly k: 'chat';
  readonly t: Stamp;
  /** Chat id, hexadecimal. */
  readonly id: string;
  /** Room secret and epoch keys, base64url; none in a chat that this account was invited to: the room brings them. */
  readonly s: string;
  readonly e: readonly string[];
  /** First entries of the chat's log, base64url: a device may speak in a chat whose room has not come yet. */
  readonly l?: readonly string[];
  /** Title. */
  readonly n: string;
}

/** In the account document: another room of a chat. */
export interface RoomEntry {
  readonly k: 'room';
  readonly t: Stamp;
  /** Chat id, hexadecimal. */
  readonly id: string;
  /** Room secret, base64url. */
  readonly s: string;
  /** Root of the contact who sent it, hexadecimal; empty for one that this account made. */
  readonly f: string;
}

/** In the account document: the name of one of its devices. */
export interface DeviceEntry {
  readonly k: 'device';
  readonly t: Stamp;
  /** Device id, hexadecimal. */
  readonly id: string;
  readonly n: string;
  /** Platform. */
  readonly p: string;
}

/** In the account document: a private account key, for devices that were linked while it was made. */
export interface KeyEntry {
  readonly k: 'key';
  readonly t: Stamp;
  /** base64url. */
  readonly s: string;
}

/** In the account document: the person's name. */
export interface PersonEntry {
  readonly k: 'me';
  readonly t: Stamp;
  readonly n: string;
}

export type Entry =
  | MessageEntry
  | ChatEntry
  | RoomEntry
  | DeviceEntry
  | PersonEntry
  | KeyEntry
  | ContactsEntry;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @returns the entry's bytes. */
export const encodeEntry = (entry: Entry): Uint8Array => utf8(JSON.stringify(entry));

/**
 * Decodes an entry. Total. What is of a kind that this version does not know, or is malformed, is undefined: it is
 * kept in the document and not shown, so that a newer version may show it.
 */
export const decodeEntry = (bytes: Uint8Array): Entry | undefined => {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    if (typeof value !== 'object' || value === null) return undefined;
    const fields = value as Record<string, unknown>;
    if (!isStamp(fields.t)) return undefined;
    return readers[String(fields.k)]?.(fields, fields.t);
  } catch {
    return undefined; // No UTF-8 or no JSON: an entry of a kind we do not know.
  }
};

const isText = (value: unknown, chars: number): value is string =>
  typeof value === 'string' && value.length <= chars;

type Reader = (fields: Record<string, unknown>, t: Stamp) => Entry | undefined;

const readMessage: Reader = ({ x, o }, t) => {
  if (!isText(x, LIMITS.textChars)) return undefined;
  if (o === undefined) return { k: 'm', t, x };
  if (typeof o !== 'object' || o === null) return undefined;
  const { n, s, a } = o as Record<string, unknown>;
  if (!isText(n, LIMITS.nameChars) || !Number.isSafeInteger(s) || !isText(a, LIMITS.nameChars))
    return undefined;
  return { k: 'm', t, x, o: { n, s: s as number, a } };
};

const HEX_32 = /^[0-9a-f]{64}$/;
const HEX_16 = /^[0-9a-f]{32}$/;
const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;

const isKeyText = (value: unknown): value is string => typeof value === 'string' && KEY_TEXT.test(value);

const readChat: Reader = ({ id, s, e, n, l }, t) => {
  if (typeof id !== 'string' || !HEX_32.test(id) || !isKeyText(s) || !isText(n, LIMITS.nameChars))
    return undefined;
  if (!Array.isArray(e) || !e.every(isKeyText)) return undefined;
  const chat = { k: 'chat', t, id, s, e: [...e], n } as const;
  if (l === undefined) return chat;
  if (!Array.isArray(l) || !l.every((item) => typeof item === 'string')) return undefined;
  return { ...chat, l: [...l] };
};

const readRoom: Reader = ({ id, s, f }, t) =>
  typeof id === 'string' &&
  HEX_32.test(id) &&
  isKeyText(s) &&
  (f === '' || (typeof f === 'string' && HEX_32.test(f)))
    ? { k: 'room', t, id, s, f }
    : undefined;

const readDevice: Reader = ({ id, n, p }, t) =>
  typeof id === 'string' && HEX_16.test(id) && isText(n, LIMITS.nameChars) && isText(p, LIMITS.nameChars)
    ? { k: 'device', t, id, n, p }
    : undefined;

const readKey: Reader = ({ s }, t) => (isKeyText(s) ? { k: 'key', t, s } : undefined);

const readPerson: Reader = ({ n }, t) => (isText(n, LIMITS.nameChars) ? { k: 'me', t, n } : undefined);

const readers: Readonly<Record<string, Reader>> = {
  __proto__: null as never,
  m: readMessage,
  chat: readChat,
  room: readRoom,
  device: readDevice,
  me: readPerson,
  key: readKey,
  ...contactReaders,
};
