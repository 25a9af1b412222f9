// What is inside an inbox message, as bytes: request, accept, invite. Rules: spec/contacts.md §2.
import { Reader, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { concat } from '../bytes.ts';
import { DEVICE_ID_BYTES } from '../frame/body.ts';
import { deviceIdOf } from '../identity/device-keys.ts';
import type { DeviceLog } from '../identity/device-log.ts';
import { pastOf, revocationsOf } from '../identity/device-log.ts';
import { encodeEntryBytes } from '../identity/log-entry.ts';
import { readName } from '../names.ts';
import { type Address, readAddress, TOKEN_BYTES, writeAddress, writeFixed, writeName } from './card.ts';

export const MESSAGE_ID_BYTES = 16;
/** Bytes of a device log in a message: about forty devices, or a dozen and several account keys. */
export const MESSAGE_LOG_BYTES = 12 * 1024;
/** Bytes of a chat log in an invite. The rest is in the room. */
export const INVITE_LOG_BYTES = 3 * 1024;

interface Common {
  /** 16 random bytes; a message that comes twice has the same. */
  readonly id: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Id of the device that signs. */
  readonly author: Uint8Array;
  /** Entries of the sender's device log as bytes, parents first. */
  readonly log: readonly Uint8Array[];
  /** Where the sender is answered. */
  readonly from: Address;
}

export interface RequestContent extends Common {
  readonly type: 'request';
  /** The token of the recipient's card. */
  readonly card: Uint8Array;
}

export interface AcceptContent extends Common {
  readonly type: 'accept';
  /** Id of the request that it answers. */
  readonly request: Uint8Array;
}

export interface InviteContent extends Common {
  readonly type: 'invite';
  /** The chat's id, 32 bytes. */
  readonly chat: Uint8Array;
  /** The room's secret, 32 bytes. */
  readonly secret: Uint8Array;
  readonly title: string;
  /** Entries of the chat's membership log as bytes, its genesis first. */
  readonly entries: readonly Uint8Array[];
}

export type Content = RequestContent | AcceptContent | InviteContent;

/** A content as it was read: views into its bytes. */
export type ReadContent = Content & {
  /** What the signature covers. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

/**
 * The bytes of a content, signed.
 *
 * @param sign - makes the device's signature over a content without one; see messages.ts for the statement.
 * @throws RangeError naming the field that {@link decodeContent} would not accept.
 */
export const encodeContent = (content: Content, sign: (signed: Uint8Array) => Uint8Array): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeUint8(out, TYPE[content.type]);
  writeFixed(out, content.id, MESSAGE_ID_BYTES, 'id');
  encoding.writeVarUint(out, content.at);
  writeFixed(out, content.author, DEVICE_ID_BYTES, 'author');
  writeList(out, content.log, MESSAGE_LOG_BYTES, 'log');
  writeAddress(out, content.from);
  switch (content.type) {
    case 'request':
      writeFixed(out, content.card, TOKEN_BYTES, 'card');
      break;
    case 'accept':
      writeFixed(out, content.request, MESSAGE_ID_BYTES, 'request');
      break;
    case 'invite':
      writeFixed(out, content.chat, 32, 'chat');
      writeFixed(out, content.secret, 32, 'secret');
      writeName(out, content.title, 'title');
      writeList(out, content.entries, INVITE_LOG_BYTES, 'entries');
      break;
  }
  const signed = encoding.toUint8Array(out);
  return concat(signed, sign(signed));
};

/**
 * Reads a content. Total; nothing of it is verified here.
 *
 * @throws SealwireError MALFORMED, TOO_LARGE, UNSUPPORTED_VERSION
 */
export const decodeContent = (bytes: Uint8Array): ReadContent => {
  const reader = new Reader(bytes);
  const type = reader.byte();
  if (type === 0) throw new SealwireError('MALFORMED', 'An inbox message is of no type.');
  if (type > TYPE.invite)
    throw new SealwireError(
      'UNSUPPORTED_VERSION',
      'An inbox message is of a later version: update this app.',
    );
  const common: Common = {
    id: reader.fixed(MESSAGE_ID_BYTES),
    at: reader.uint(),
    author: reader.fixed(DEVICE_ID_BYTES),
    log: readList(reader, MESSAGE_LOG_BYTES),
    from: readAddress(reader),
  };
  const fields = readFields(reader, type);
  const signed = bytes.subarray(0, bytes.length - reader.left);
  const signature = reader.fixed(64);
  reader.end();
  return { ...common, ...fields, signed, signature };
};

/**
 * What of a device log goes into a message: all of it if it fits, else what proves the author, the account key and
 * every revocation.
 *
 * @throws SealwireError TOO_LARGE if that does not fit either.
 */
export const logForMessage = (log: DeviceLog, author: Uint8Array): Uint8Array[] => {
  const all = log.entries.map((entry) => ({ entry, bytes: encodeEntryBytes(entry) }));
  if (sizeOf(all.map(({ bytes }) => bytes)) <= MESSAGE_LOG_BYTES) return all.map(({ bytes }) => bytes);
  const adds = log.entries.filter(
    ({ entry }) =>
      (entry.type === 'device-add' || entry.type === 'device-genesis') &&
      sameBytes(deviceIdOf(entry.device.identity), author),
  );
  const needed = [...adds, log.accountKeys[0]!, ...revocationsOf(log)].map(({ hash }) => hash);
  const past = pastOf(log, needed);
  const part = all.filter(({ entry }) => past.has(toHex(entry.hash))).map(({ bytes }) => bytes);
  if (sizeOf(part) > MESSAGE_LOG_BYTES)
    throw new SealwireError(
      'TOO_LARGE',
      'The list of devices of this account is too long for a message: nobody can be asked or invited with it.',
    );
  return part;
};

const TYPE = { request: 1, accept: 2, invite: 3 } as const;

type Fields<C> = C extends Content ? Omit<C, keyof Common> : never;

const readFields = (reader: Reader, type: number): Fields<Content> => {
  if (type === TYPE.request) return { type: 'request', card: reader.fixed(TOKEN_BYTES) };
  if (type === TYPE.accept) return { type: 'accept', request: reader.fixed(MESSAGE_ID_BYTES) };
  return {
    type: 'invite',
    chat: reader.fixed(32),
    secret: reader.fixed(32),
    title: readName(reader, 'a title'),
    entries: readList(reader, INVITE_LOG_BYTES),
  };
};

/** Bytes of a list's items with their lengths, without the count. */
export const sizeOf = (items: readonly Uint8Array[]): number =>
  items.reduce((sum, { length }) => sum + length + (length < 128 ? 1 : length < 16_384 ? 2 : 3), 0);

const writeList = (
  out: encoding.Encoder,
  items: readonly Uint8Array[],
  limit: number,
  name: string,
): void => {
  if (items.length === 0) throw new RangeError(`${name}: empty`);
  if (sizeOf(items) > limit) throw new RangeError(`${name}: more than ${limit} bytes`);
  encoding.writeVarUint(out, items.length);
  for (const item of items) encoding.writeVarUint8Array(out, item);
};

const readList = (reader: Reader, limit: number): Uint8Array[] => {
  // An entry has more than a hundred bytes; 32 keep a count from being taken for a length.
  const count = reader.count(Math.floor(limit / 32), 1);
  if (count === 0) throw new SealwireError('MALFORMED', 'An inbox message holds no log.');
  const before = reader.left;
  const items: Uint8Array[] = [];
  for (let i = 0; i < count; i++) items.push(reader.sized(limit));
  if (before - reader.left > limit) throw new SealwireError('TOO_LARGE', 'A log is too long for a message.');
  return items;
};
