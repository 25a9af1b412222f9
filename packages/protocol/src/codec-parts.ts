// The pieces that messages are made of, each with its writer and its reader.
// Rules: spec/relay-protocol.md §3 (RP10 to RP19).
import * as encoding from 'lib0/encoding';
import { type ErrorCode, isErrorCode } from './errors.ts';
import { isStreamLabel, KEY_BYTES, PRINCIPAL_ID_BYTES, toHex } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { RoomMember, StoredFrame } from './messages.ts';
import { malformed, type Reader } from './reader.ts';

/** How one message is written and read. `tag` is its first byte; `write` and `read` see what follows it. */
export interface Codec<M> {
  readonly tag: number;
  write(to: encoding.Encoder, message: M): void;
  read(from: Reader): M;
}

/** One codec for each message of the union `M`. */
export type Codecs<M extends { readonly type: string }> = {
  readonly [T in M['type']]: Codec<Extract<M, { readonly type: T }>>;
};

/** Writes a whole number from `least` to 2^53 - 1. @throws RangeError naming the field. */
export const writeUint = (to: encoding.Encoder, value: number, name: string, least = 0): void => {
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${name}: not a whole number from ${least} on`);
  encoding.writeVarUint(to, value);
};

/** Writes exactly `length` bytes without their length. @throws TypeError or RangeError naming the field. */
export const writeFixed = (to: encoding.Encoder, bytes: Uint8Array, length: number, name: string): void => {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name}: not a Uint8Array`);
  if (bytes.length !== length) throw new RangeError(`${name}: ${bytes.length} bytes instead of ${length}`);
  encoding.writeUint8Array(to, bytes);
};

/** Writes up to `limit` bytes after their length. @throws TypeError or RangeError naming the field. */
export const writeSized = (
  to: encoding.Encoder,
  bytes: Uint8Array,
  limit: number,
  name: string,
  least = 0,
): void => {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name}: not a Uint8Array`);
  if (bytes.length > limit || bytes.length < least) {
    throw new RangeError(`${name}: ${bytes.length} bytes are not ${least} to ${limit}`);
  }
  encoding.writeVarUint8Array(to, bytes);
};

/** Writes a list's length. @throws RangeError naming the field. */
export const writeCount = (to: encoding.Encoder, count: number, limit: number, name: string): void => {
  if (count > limit) throw new RangeError(`${name}: ${count} items are more than ${limit}`);
  encoding.writeVarUint(to, count);
};

export const writeFlag = (to: encoding.Encoder, flag: boolean): void => encoding.writeUint8(to, flag ? 1 : 0);

/** Writes a stream label, or '' where `allStreams` says that it may stand for all. @throws RangeError otherwise. */
export const writeStream = (to: encoding.Encoder, stream: string, allStreams: boolean): void => {
  if (!isStreamLabel(stream) && !(allStreams && stream === ''))
    throw new RangeError('stream: not a stream label');
  encoding.writeVarString(to, stream);
};

export const readStream = (from: Reader, allStreams: boolean): string => {
  const stream = from.ascii(LIMITS.streamChars);
  if (!isStreamLabel(stream) && !(allStreams && stream === '')) throw malformed('a stream label is not one');
  return stream;
};

/** Longest error code on the wire, in ASCII characters: room for names that a newer peer invents. */
export const CODE_CHARS = 40;

const CODE = /^[A-Z][A-Z0-9_]*$/;

export const writeCode = (to: encoding.Encoder, code: ErrorCode): void => {
  if (!isErrorCode(code)) throw new RangeError('code: not an error code');
  encoding.writeVarString(to, code);
};

/** A code that this side does not know comes from a newer peer and reads as UNSUPPORTED_VERSION. */
export const readCode = (from: Reader): ErrorCode => {
  const code = from.ascii(CODE_CHARS);
  if (!CODE.test(code)) throw malformed('an error code is not one');
  return isErrorCode(code) ? code : 'UNSUPPORTED_VERSION';
};

/**
 * Writes frames in rising position: the distance from the position before (the first: from 0) less one, the stream
 * or '' for the stream before, the bytes.
 *
 * @throws RangeError if positions do not rise, or a stream or a frame is out of bounds.
 */
export const writeFrames = (to: encoding.Encoder, frames: readonly StoredFrame[]): void => {
  encoding.writeVarUint(to, frames.length);
  let position = 0;
  let stream = '';
  for (const frame of frames) {
    writeRising(to, position, frame.position, 'frames: positions');
    if (frame.stream === stream) encoding.writeVarUint(to, 0);
    else writeStream(to, frame.stream, false);
    writeSized(to, frame.frame, LIMITS.frameBytes, 'frame', 1);
    position = frame.position;
    stream = frame.stream;
  }
};

/** Distance, stream length, frame length and one byte of frame. */
const FRAME_BYTES_LEAST = 4;

export const readFrames = (from: Reader): StoredFrame[] => {
  const frames: StoredFrame[] = [];
  let position = 0;
  let stream = '';
  for (let left = from.count(LIMITS.messageBytes, FRAME_BYTES_LEAST); left > 0; left--) {
    position = rise(position, from.uint());
    const named = readStream(from, true);
    if (named === stream) throw malformed('a frame names no stream, or the one before again');
    if (named !== '') stream = named;
    frames.push({ position, stream, frame: readFrame(from) });
  }
  return frames;
};

/** The bytes of one sealed frame, at least one. */
export const readFrame = (from: Reader): Uint8Array => {
  const frame = from.sized(LIMITS.frameBytes);
  if (frame.length === 0) throw malformed('a frame is empty');
  return frame;
};

/** Writes members of a room. @throws RangeError if there are too many, one stands twice, or an id has a wrong length. */
export const writeMembers = (to: encoding.Encoder, members: readonly RoomMember[]): void => {
  if (!isUnique(members)) throw new RangeError('members: a principal stands twice');
  writeCount(to, members.length, LIMITS.roomMembers, 'members');
  for (const member of members) {
    writeFixed(to, member.principal, PRINCIPAL_ID_BYTES, 'members');
    writeFlag(to, member.admin);
  }
};

export const readMembers = (from: Reader): RoomMember[] => {
  const count = from.count(LIMITS.roomMembers, PRINCIPAL_ID_BYTES + 1);
  const members: RoomMember[] = [];
  for (let i = 0; i < count; i++)
    members.push({ principal: from.fixed(PRINCIPAL_ID_BYTES), admin: from.flag() });
  if (!isUnique(members)) throw malformed('a member stands twice');
  return members;
};

/** Writes 32-byte keys or hashes. @throws RangeError if there are too many or they do not rise bytewise. */
export const writeKeys = (
  to: encoding.Encoder,
  keys: readonly Uint8Array[],
  limit: number,
  name: string,
): void => {
  if (!risesStrictly(keys)) throw new RangeError(`${name}: not sorted bytewise and unique`);
  writeCount(to, keys.length, limit, name);
  for (const key of keys) writeFixed(to, key, KEY_BYTES, name);
};

export const readKeys = (from: Reader, limit: number): Uint8Array[] => {
  const count = from.count(limit, KEY_BYTES);
  const keys: Uint8Array[] = [];
  for (let i = 0; i < count; i++) keys.push(from.fixed(KEY_BYTES));
  if (!risesStrictly(keys)) throw malformed('keys are not sorted and unique');
  return keys;
};

export const risesStrictly = (keys: readonly Uint8Array[]): boolean =>
  keys.every((key, i) => i === 0 || compareBytes(keys[i - 1]!, key) < 0);

const isUnique = (members: readonly RoomMember[]): boolean =>
  new Set(members.map((member) => toHex(member.principal))).size === members.length;

/** Writes numbers from 1 on, each as its distance from the one before less one. @throws RangeError if they do not rise. */
export const writeRising = (to: encoding.Encoder, before: number, number: number, name: string): void => {
  if (!Number.isSafeInteger(number) || number <= before) throw new RangeError(`${name}: do not rise`);
  encoding.writeVarUint(to, number - before - 1);
};

/** The bytes of one message of an inbox, at least one. */
export const readInboxPayload = (from: Reader): Uint8Array => {
  const payload = from.sized(LIMITS.inboxPayloadBytes);
  if (payload.length === 0) throw malformed('a message of an inbox is empty');
  return payload;
};

/** The number that stands `gap` + 1 after `before`. */
export const rise = (before: number, gap: number): number => {
  const next = before + gap + 1;
  if (!Number.isSafeInteger(next)) throw malformed('a number is above 2^53 - 1');
  return next;
};

/** Three-way order of two arrays by their bytes; the shorter first where one begins the other. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
};
