// The body inside a frame: who wrote it, where it stands in its chain, what it carries. Layout: spec/frame.md §4.
import { LIMITS, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { deflate, inflate } from '#native';
import { concat } from '../bytes.ts';

export const DEVICE_ID_BYTES = 16;
export const CLIENT_NONCE_BYTES = 16;
/** How many bytes of a device id stand for it in `seen`, which is a report and grants nothing. */
export const SEEN_TAG_BYTES = 8;
const SIGNATURE_BYTES = 64;
const HASH_BYTES = 32;

/** What a payload is. */
export const KIND = { updates: 0, control: 1, document: 2 } as const;

const FLAG = { opening: 1, seen: 2, heads: 4, deflated: 8 } as const;

/** Deflating less than this never pays for its header. */
const DEFLATE_FROM_BYTES = 48;
/**
 * Which part of a frame deflating must save: for less no reader should have to inflate, which takes as long as all else
 * that a small frame needs. The rest of a frame is about this many bytes.
 */
const DEFLATE_FOR_PART = 1 / 8;
const REST_OF_FRAME_BYTES = 140;

/** Binds a new clientID to its device; in the first frame that uses it. */
export interface Opening {
  /** 16 bytes. */
  readonly deviceId: Uint8Array;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
}

/** That the author had received everything of a device up to this counter. */
export interface Seen {
  /** The first 8 bytes of the device id. */
  readonly deviceTag: Uint8Array;
  readonly counter: number;
}

export interface BodyFields {
  readonly kind: number;
  /** 53 bits; see client-id.ts. */
  readonly clientId: number;
  /** The device's frame number in this room, from 1. */
  readonly counter: number;
  /** The counter of the frame before it in the same chain, 0 for the opening. */
  readonly previous: number;
  readonly opening?: Opening | undefined;
  readonly seen: readonly Seen[];
  /** Hashes of log entries newly known to the author; 32 bytes each. */
  readonly heads: readonly Uint8Array[];
  readonly payload: Uint8Array;
}

export interface Body extends BodyFields {
  /** What hash and signature cover: everything but the signature. A view. */
  readonly signed: Uint8Array;
  /** 64 bytes; a view. */
  readonly signature: Uint8Array;
}

/** Encodes all but the signature. @param mayDeflate - false for what holds keys or the account's own state. */
export const encodeSigned = (fields: BodyFields, mayDeflate: boolean): Uint8Array => {
  const shrunk =
    mayDeflate && fields.payload.length >= DEFLATE_FROM_BYTES ? deflate(fields.payload) : undefined;
  const worth = (fields.payload.length + REST_OF_FRAME_BYTES) * DEFLATE_FOR_PART;
  const deflated = shrunk !== undefined && fields.payload.length - shrunk.length >= worth;
  const flags =
    (fields.opening ? FLAG.opening : 0) |
    (fields.seen.length > 0 ? FLAG.seen : 0) |
    (fields.heads.length > 0 ? FLAG.heads : 0) |
    (deflated ? FLAG.deflated : 0);
  const out = encoding.createEncoder();
  encoding.writeUint8(out, flags);
  encoding.writeUint8(out, fields.kind);
  encoding.writeVarUint(out, fields.clientId);
  encoding.writeVarUint(out, fields.counter);
  encoding.writeVarUint(out, fields.counter - fields.previous);
  if (fields.opening) {
    encoding.writeUint8Array(out, fields.opening.deviceId);
    encoding.writeUint8Array(out, fields.opening.nonce);
  }
  if (fields.seen.length > 0) {
    encoding.writeUint8(out, fields.seen.length);
    for (const seen of fields.seen) {
      encoding.writeUint8Array(out, seen.deviceTag);
      encoding.writeVarUint(out, seen.counter);
    }
  }
  if (fields.heads.length > 0) {
    encoding.writeUint8(out, fields.heads.length);
    for (const head of fields.heads) encoding.writeUint8Array(out, head);
  }
  if (deflated) encoding.writeVarUint(out, fields.payload.length);
  encoding.writeUint8Array(out, deflated ? shrunk : fields.payload);
  return encoding.toUint8Array(out);
};

/** The body as it is sealed. */
export const encodeBody = (signed: Uint8Array, signature: Uint8Array): Uint8Array =>
  concat(signed, signature);

/**
 * Decodes a body. Total: any bytes give a body or a SealwireError.
 *
 * @param bytes - borrowed; the result holds views of it.
 * @throws SealwireError MALFORMED, TOO_LARGE
 */
export const decodeBody = (bytes: Uint8Array): Body => {
  if (bytes.length < SIGNATURE_BYTES) throw malformed('shorter than its signature');
  const signed = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  const reader = new Reader(signed);
  const flags = reader.byte();
  if (flags > 15) throw malformed('unknown flags');
  const kind = reader.byte();
  const clientId = reader.uint();
  const counter = reader.uint();
  const previous = counter - reader.uint();
  if (counter < 1 || previous < 0 || previous === counter) throw malformed('counters do not rise');
  const opening = flags & FLAG.opening ? readOpening(reader) : undefined;
  if ((opening !== undefined) !== (previous === 0)) throw malformed('a chain opens once, with its opening');
  const seen = flags & FLAG.seen ? readSeen(reader) : NOTHING_SEEN;
  const heads = flags & FLAG.heads ? readHeads(reader) : NO_HEADS;
  const payload = readPayload(reader, (flags & FLAG.deflated) !== 0);
  const signature = bytes.subarray(bytes.length - SIGNATURE_BYTES);
  return { kind, clientId, counter, previous, opening, seen, heads, payload, signed, signature };
};

const NOTHING_SEEN: readonly Seen[] = [];
const NO_HEADS: readonly Uint8Array[] = [];

const readOpening = (reader: Reader): Opening => ({
  deviceId: reader.fixed(DEVICE_ID_BYTES),
  nonce: reader.fixed(CLIENT_NONCE_BYTES),
});

const readSeen = (reader: Reader): Seen[] => {
  const seen: Seen[] = [];
  for (let left = readCount(reader, LIMITS.seenChanges); left > 0; left--)
    seen.push({ deviceTag: reader.fixed(SEEN_TAG_BYTES), counter: reader.uint() });
  return seen;
};

const readHeads = (reader: Reader): Uint8Array[] => {
  const count = readCount(reader, LIMITS.headsNamed);
  return Array.from({ length: count }, () => reader.fixed(HASH_BYTES));
};

const readCount = (reader: Reader, limit: number): number => {
  const count = reader.byte();
  if (count < 1 || count > limit) throw malformed('a list is empty or too long');
  return count;
};

const readPayload = (reader: Reader, deflated: boolean): Uint8Array => {
  if (!deflated) return reader.fixed(reader.left);
  const length = reader.uint();
  if (length > LIMITS.inflatedBytes)
    throw new SealwireError('TOO_LARGE', 'A frame would inflate beyond its limit.');
  const payload = inflate(reader.fixed(reader.left), length);
  if (!payload) throw malformed('does not inflate to the length that it names');
  return payload;
};

const malformed = (why: string): SealwireError =>
  new SealwireError('MALFORMED', `A frame's body is malformed: ${why}.`);
