// How rooms, principals and frames lie in a store's bytes. Rules: spec/relay-protocol.md §7.
import {
  INBOX_TOKEN_HASH_BYTES,
  KEY_BYTES,
  LIMITS,
  PRINCIPAL_ID_BYTES,
  Reader,
  type RoomMember,
  SealwireError,
} from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { InboxRecord } from './inbox-record.ts';
import type { PrincipalRecord, RoomRecord, RoomShare, Usage } from './store.ts';

const BYTES_OF_ID = 32;

/** Version, manage key, count and relay keys; the id is the record's key. */
export const encodePrincipal = (record: PrincipalRecord): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, record.version);
    encoding.writeUint8Array(to, record.manageKey);
    encoding.writeVarUint(to, record.relayKeys.length);
    for (const key of record.relayKeys) encoding.writeUint8Array(to, key);
  });

export const decodePrincipal = (id: Uint8Array, bytes: Uint8Array): PrincipalRecord =>
  whole(bytes, (from) => {
    const version = from.positive();
    const manageKey = from.fixed(KEY_BYTES);
    const count = from.count(LIMITS.principalKeys, KEY_BYTES);
    return { id, version, manageKey, relayKeys: Array.from({ length: count }, () => from.fixed(KEY_BYTES)) };
  });

/** Version, count and members; the room's id is the record's key. */
export const encodeRoom = (record: RoomRecord): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, record.version);
    encoding.writeVarUint(to, record.members.length);
    for (const member of record.members) {
      encoding.writeUint8Array(to, member.principal);
      encoding.writeUint8(to, member.admin ? 1 : 0);
    }
  });

export const decodeRoom = (room: Uint8Array, bytes: Uint8Array): RoomRecord =>
  whole(bytes, (from) => {
    const version = from.positive();
    const count = from.count(LIMITS.roomMembers, PRINCIPAL_ID_BYTES + 1);
    const members = Array.from(
      { length: count },
      (): RoomMember => ({
        principal: from.fixed(PRINCIPAL_ID_BYTES),
        admin: from.flag(),
      }),
    );
    return { room, version, members };
  });

/** Rooms, bytes. */
export const encodeUsage = ({ rooms, bytes }: Usage): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, rooms);
    encoding.writeVarUint(to, bytes);
  });

export const decodeUsage = (bytes: Uint8Array): Usage =>
  whole(bytes, (from) => ({ rooms: from.uint(), bytes: from.uint() }));

/** Version, last number, tokens, and of each waiting message its number (as distance), token and size. */
export const encodeInbox = (record: InboxRecord): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, record.version);
    encoding.writeVarUint(to, record.last);
    encoding.writeVarUint(to, record.tokens.length);
    for (const token of record.tokens) encoding.writeUint8Array(to, token);
    encoding.writeVarUint(to, record.waiting.length);
    let before = 0;
    for (const { number, token, bytes } of record.waiting) {
      encoding.writeVarUint(to, number - before);
      encoding.writeUint8Array(to, token);
      encoding.writeVarUint(to, bytes);
      before = number;
    }
  });

export const decodeInbox = (principal: Uint8Array, bytes: Uint8Array): InboxRecord =>
  whole(bytes, (from) => {
    const [version, last] = [from.positive(), from.uint()];
    const token = (): Uint8Array => from.fixed(INBOX_TOKEN_HASH_BYTES);
    const count = from.count(LIMITS.inboxTokens, INBOX_TOKEN_HASH_BYTES);
    const tokens = Array.from({ length: count }, token);
    const messages = from.count(LIMITS.inboxMessages, INBOX_TOKEN_HASH_BYTES + 2);
    let number = 0;
    const waiting = Array.from({ length: messages }, () => {
      number += from.positive();
      return { number, token: token(), bytes: from.positive() };
    });
    return { principal, version, tokens, last, waiting };
  });

/** Length of the label, label, sealed bytes. */
export const encodeFrame = (stream: string, frame: Uint8Array): Buffer => {
  const value = Buffer.allocUnsafe(1 + stream.length + frame.length);
  value[0] = stream.length;
  value.write(stream, 1, 'latin1');
  value.set(frame, 1 + stream.length);
  return value;
};

export const decodeFrame = (value: Uint8Array): { readonly stream: string; readonly frame: Uint8Array } => {
  const end = 1 + (value[0] ?? 0);
  if (end >= value.length) throw corrupt();
  return {
    stream: Buffer.from(value.buffer, value.byteOffset + 1, end - 1).toString('latin1'),
    frame: value.subarray(end),
  };
};

/** A room's head, and what the room takes: 24 bytes. Stores of before held the head alone. */
export const encodeHead = (head: number, { bytes, streams }: RoomShare): Buffer => {
  const value = Buffer.allocUnsafe(24);
  for (const [i, number] of [head, bytes, streams].entries()) writePosition(value, number, i * 8);
  return value;
};

/** `share` is undefined where it was not counted yet. */
export const decodeHead = (
  value: Uint8Array,
): { readonly head: number; readonly share: RoomShare | undefined } => {
  if (value.length !== 24 && value.length !== 8) throw corrupt();
  const head = positionOfKey(value.subarray(0, 8));
  if (value.length === 8) return { head, share: undefined };
  const [bytes, streams] = [positionOfKey(value.subarray(0, 16)), positionOfKey(value)];
  return { head, share: { bytes, streams } };
};

/** Room id and position: frames of a room lie in rising position. */
export const frameKey = (room: Uint8Array, position: number): Buffer => {
  const key = Buffer.allocUnsafe(BYTES_OF_ID + 8);
  key.set(room, 0);
  writePosition(key, position, BYTES_OF_ID);
  return key;
};

export const positionOfKey = (key: Uint8Array): number => {
  const view = new DataView(key.buffer, key.byteOffset + key.length - 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
};

/** Room id, label, a zero that no label holds, and the first position of a run of the stream. */
export const runKey = (room: Uint8Array, stream: string, first: number): Buffer => {
  const key = Buffer.allocUnsafe(BYTES_OF_ID + stream.length + 9);
  key.set(room, 0);
  key.write(stream, BYTES_OF_ID, 'latin1');
  key[BYTES_OF_ID + stream.length] = 0;
  writePosition(key, first, BYTES_OF_ID + stream.length + 1);
  return key;
};

/** The other positions of a run, each as its distance from the one before; the first stands in the key. */
export const encodeRun = (positions: readonly number[]): Uint8Array =>
  encoding.encode((to) => {
    for (let i = 1; i < positions.length; i++) encoding.writeVarUint(to, positions[i]! - positions[i - 1]!);
  });

export const decodeRun = (first: number, bytes: Uint8Array): number[] =>
  whole(bytes, (from) => {
    const positions = [first];
    for (let position = first; from.left > 0; positions.push(position)) position += from.positive();
    return positions;
  });

const writePosition = (key: Buffer, position: number, at: number): void => {
  key.writeUInt32BE(Math.floor(position / 2 ** 32), at);
  key.writeUInt32BE(position % 2 ** 32, at + 4);
};

const whole = <T>(bytes: Uint8Array, read: (from: Reader) => T): T => {
  try {
    const from = new Reader(bytes);
    const value = read(from);
    from.end();
    return value;
  } catch (cause) {
    throw corrupt(cause);
  }
};

const corrupt = (cause?: unknown): SealwireError =>
  new SealwireError('STORE_FAILED', "A record of the relay's store is damaged; restore the store.", {
    cause,
  });
