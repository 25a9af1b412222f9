// The vault's log file, as bytes: a header, then one row for each barrier. Rules: spec/vault.md §4.
import { SealwireError, sameBytes } from '@sealwire/protocol';
import { sha256 } from '#native';
import { concat, utf8 } from '../bytes.ts';

/** The log format that this code writes. */
export const LOG_VERSION = 1;

const MAGIC = utf8('sealwire-log');
const ROW_MARK = utf8('SWvr');
const HASH_BYTES = 8;
const ROW_HEADER_BYTES = ROW_MARK.length + 4 + HASH_BYTES;

/** The first bytes of every log. */
export const LOG_HEADER: Uint8Array = concat(MAGIC, Uint8Array.of(0, 0, 0, LOG_VERSION));

/**
 * One row: mark (4) ‖ payload length (u32) ‖ first 8 bytes of SHA-256(length ‖ payload) ‖ payload. The payload holds
 * all updates of one barrier, each behind its length (u32), so that they become durable together or not at all.
 *
 * @param updates - Yjs updates, at least one. Borrowed.
 */
export const encodeRow = (updates: readonly Uint8Array[]): Uint8Array => {
  const payload = concat(...updates.flatMap((update) => [uint32(update.length), update]));
  const length = uint32(payload.length);
  return concat(ROW_MARK, length, sha256(length, payload).subarray(0, HASH_BYTES), payload);
};

export interface LogContents {
  /** The updates of all whole rows, in order; views of the bytes given. */
  readonly updates: readonly Uint8Array[];
  readonly rows: number;
  /** Where the whole rows end; what lies behind is a row that was never durable. */
  readonly end: number;
}

/**
 * Reads a whole log. A last row that is not whole was being written when the program or the machine stopped: it is left
 * out. A bad row with a whole one behind it is damage.
 *
 * @throws SealwireError STORAGE_NEWER, STORAGE_CORRUPT
 */
export const decodeLog = (bytes: Uint8Array): LogContents => {
  checkHeader(bytes);
  const updates: Uint8Array[] = [];
  let rows = 0;
  let at = LOG_HEADER.length;
  while (at < bytes.length) {
    const payload = payloadAt(bytes, at);
    if (!payload) {
      if (wholeRowBehind(bytes, at)) throw corrupt(`Row ${rows + 1} of the log was altered.`);
      break;
    }
    splitPayload(payload, updates);
    rows++;
    at += ROW_HEADER_BYTES + payload.length;
  }
  return { updates, rows, end: at };
};

/** STORAGE_CORRUPT with the way out. */
export const corrupt = (what: string, cause?: unknown): SealwireError =>
  new SealwireError(
    'STORAGE_CORRUPT',
    `${what} Restore the storage from a backup, or remove it and link this device again.`,
    { cause },
  );

const checkHeader = (bytes: Uint8Array): void => {
  if (bytes.length < LOG_HEADER.length || !sameBytes(bytes.subarray(0, MAGIC.length), MAGIC))
    throw corrupt('The log does not begin as a log does.');
  const version = viewOf(bytes).getUint32(MAGIC.length);
  if (version > LOG_VERSION)
    throw new SealwireError(
      'STORAGE_NEWER',
      'The storage of this device was written by a newer version of this app: update it.',
    );
  if (version < LOG_VERSION) throw corrupt(`The log says version ${version}, which there never was.`);
};

/** The payload of the whole row at `at`, or undefined if there is none. */
const payloadAt = (bytes: Uint8Array, at: number): Uint8Array | undefined => {
  if (at + ROW_HEADER_BYTES > bytes.length) return undefined;
  if (!sameBytes(bytes.subarray(at, at + ROW_MARK.length), ROW_MARK)) return undefined;
  const lengthAt = at + ROW_MARK.length;
  const start = at + ROW_HEADER_BYTES;
  const end = start + viewOf(bytes).getUint32(lengthAt);
  if (end > bytes.length) return undefined;
  const hash = sha256(bytes.subarray(lengthAt, lengthAt + 4), bytes.subarray(start, end));
  return sameBytes(hash.subarray(0, HASH_BYTES), bytes.subarray(lengthAt + 4, start))
    ? bytes.subarray(start, end)
    : undefined;
};

const wholeRowBehind = (bytes: Uint8Array, at: number): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let next = buffer.indexOf(ROW_MARK, at + 1); next >= 0; next = buffer.indexOf(ROW_MARK, next + 1))
    if (payloadAt(bytes, next)) return true;
  return false;
};

const splitPayload = (payload: Uint8Array, into: Uint8Array[]): void => {
  const view = viewOf(payload);
  for (let at = 0; at < payload.length; ) {
    const start = at + 4;
    const end = start <= payload.length ? start + view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (end > payload.length) throw corrupt('A row of the log has a wrong inner length.');
    into.push(payload.subarray(start, end));
    at = end;
  }
};

const uint32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
