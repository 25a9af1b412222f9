// What records at NATS hold beside what a store on one machine keeps of them. Rules: spec/relay-protocol.md §13.
import { KEY_BYTES, LIMITS, PRINCIPAL_ID_BYTES, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { InboxRecord } from '../inbox-record.ts';
import { keyOf } from '../keys.ts';
import { decodeInbox, decodePrincipal, encodeInbox, encodePrincipal } from '../records.ts';
import type { PrincipalRecord } from '../store.ts';

/** A principal, with what its last edit says of the keys that it took out: a note, or that there is none. */
export interface StoredPrincipal {
  readonly record: PrincipalRecord;
  /** By key. */
  readonly left: ReadonlyMap<
    string,
    { readonly relayKey: Uint8Array; readonly note: Uint8Array | undefined }
  >;
}

/** A relay key: the principal that claimed it last, and a note from before. Neither counts while another record knows better. */
export interface StoredKey {
  readonly principal: Uint8Array;
  readonly note: Uint8Array | undefined;
}

/** An inbox, with the numbers of the messages that hold its payloads, in the order of `waiting`. */
export interface StoredInbox {
  readonly record: InboxRecord;
  readonly letters: readonly number[];
}

/** Bytes of one record: a full list of keys with notes. */
const MOST = 8 * 1024 * 1024;

export const encodeStoredPrincipal = ({ record, left }: StoredPrincipal): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint8Array(to, encodePrincipal(record));
    encoding.writeVarUint(to, left.size);
    for (const { relayKey, note } of left.values()) {
      encoding.writeUint8Array(to, relayKey);
      writeNote(to, note);
    }
  });

export const decodeStoredPrincipal = (id: Uint8Array, bytes: Uint8Array): StoredPrincipal =>
  whole(bytes, (from) => {
    const record = decodePrincipal(id, from.sized(MOST));
    const left = new Map<string, { relayKey: Uint8Array; note: Uint8Array | undefined }>();
    for (let count = from.count(LIMITS.principalKeys, KEY_BYTES + 1); count > 0; count--) {
      const relayKey = from.fixed(KEY_BYTES).slice();
      left.set(keyOf(relayKey), { relayKey, note: readNote(from) });
    }
    return { record, left };
  });

export const encodeStoredKey = ({ principal, note }: StoredKey): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeUint8Array(to, principal);
    writeNote(to, note);
  });

export const decodeStoredKey = (bytes: Uint8Array): StoredKey =>
  whole(bytes, (from) => ({ principal: from.fixed(PRINCIPAL_ID_BYTES).slice(), note: readNote(from) }));

export const encodeStoredInbox = ({ record, letters }: StoredInbox): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint8Array(to, encodeInbox(record));
    for (const letter of letters) encoding.writeVarUint(to, letter);
  });

export const decodeStoredInbox = (principal: Uint8Array, bytes: Uint8Array): StoredInbox =>
  whole(bytes, (from) => {
    const record = decodeInbox(principal, from.sized(MOST));
    return { record, letters: record.waiting.map(() => from.positive()) };
  });

const writeNote = (to: encoding.Encoder, note: Uint8Array | undefined): void => {
  encoding.writeUint8(to, note ? 1 : 0);
  if (note) encoding.writeVarUint8Array(to, note);
};

const readNote = (from: Reader): Uint8Array | undefined =>
  from.flag() ? from.sized(LIMITS.messageBytes).slice() : undefined;

const whole = <T>(bytes: Uint8Array, read: (from: Reader) => T): T => {
  try {
    const from = new Reader(bytes);
    const value = read(from);
    from.end();
    return value;
  } catch (cause) {
    throw new SealwireError('STORE_FAILED', "A record of the relay's at NATS is damaged.", { cause });
  }
};
