// What a room keeps in the vault, as bytes before sealing. Layout: spec/vault.md §6.
import { fromHex, Reader, ROOM_ID_BYTES, SealwireError, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { CLIENT_NONCE_BYTES } from '../frame/body.ts';
import { EPOCH_NAME_BYTES } from './keyring.ts';

/** A body that was accepted, and where the relay has it. */
export interface StoredBody {
  readonly position: number;
  readonly stream: string;
  /** Encoded body, signature included, frame and padding gone. */
  readonly body: Uint8Array;
  /** The name of the epoch that it was sealed under, see keyring.ts; empty in the control stream. */
  readonly epoch: string;
}

/** Accepted bodies of one step, and the cursor that holds after them. */
export interface BodiesRecord {
  readonly type: 'bodies';
  readonly room: Uint8Array;
  readonly cursor: number;
  /** Milliseconds since 1970: when this device got them. */
  readonly receivedAt: number;
  readonly bodies: readonly StoredBody[];
}

/** A frame that cannot be judged yet, as it came. */
export interface ParkedRecord {
  readonly type: 'parked';
  readonly room: Uint8Array;
  readonly position: number;
  readonly stream: string;
  readonly frame: Uint8Array;
}

/**
 * Why a frame was refused that other facts could make count: it lies beyond a cut or a fork, or on no line that a cut
 * names; its device signed it and another one after the same frame, which is the proof of a fork; or its device did not
 * sign it after what is held.
 */
export type RefusedWhy = 'void' | 'fork' | 'unsigned';

/** The body of a frame that was refused and reported, kept to be judged again when cuts change. */
export interface RefusedRecord {
  readonly type: 'refused';
  readonly room: Uint8Array;
  readonly position: number;
  readonly stream: string;
  readonly why: RefusedWhy;
  readonly body: Uint8Array;
  /** As in {@link StoredBody}. */
  readonly epoch: string;
}

/** An epoch that came, and when: what is unwrapped once need not be unwrapped at each start. */
export interface EpochRecord {
  readonly type: 'epoch';
  readonly room: Uint8Array;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** Milliseconds since 1970: when this device first had its key. */
  readonly at: number;
  /** The cursor then. */
  readonly position: number;
  /** 32 bytes; undefined if the key is known from elsewhere. */
  readonly key: Uint8Array | undefined;
}

/** A local edit, stored but in no frame yet. */
export interface OutboxRecord {
  readonly type: 'outbox';
  readonly room: Uint8Array;
  readonly stream: string;
  /** The clientID that the edit was made under and the nonce that binds it to this device. */
  readonly clientId: number;
  readonly nonce: Uint8Array;
  /** A Yjs update; on the control stream, log entries. */
  readonly payload: Uint8Array;
}

/** An own frame that is stored and, as far as this device knows, not yet at the relay. */
export interface FramedRecord {
  readonly type: 'framed';
  readonly room: Uint8Array;
  readonly stream: string;
  readonly frame: Uint8Array;
  readonly body: Uint8Array;
  /** The epoch that it is sealed under, since a relay had it already; empty for what leaves under the current one. */
  readonly epoch: string;
}

/** How far a room of a chat was read that the chat is not in. */
export interface AsideRecord {
  readonly type: 'aside';
  readonly room: Uint8Array;
  readonly cursor: number;
}

/** A page whose bodies lie in the archive, and what a device must know of it without them. See closed-page.ts. */
export interface ClosedRecord {
  readonly type: 'closed';
  readonly room: Uint8Array;
  /** Name of its value in the archive: 32 hexadecimal digits. */
  readonly archive: string;
  readonly json: Uint8Array;
}

/** Counters of frames that were passed over, since the account was none of the chat's at some time: they came, and are no gap. */
export interface PassedRecord {
  readonly type: 'passed';
  readonly room: Uint8Array;
  readonly counters: readonly number[];
}

/** This device itself: keys and account, as JSON. */
export interface SelfRecord {
  readonly type: 'self';
  readonly json: Uint8Array;
}

export type DeviceRecord =
  | SelfRecord
  | BodiesRecord
  | ParkedRecord
  | OutboxRecord
  | FramedRecord
  | RefusedRecord
  | EpochRecord
  | AsideRecord
  | ClosedRecord
  | PassedRecord;
export type RoomRecord = Exclude<DeviceRecord, SelfRecord>;

const TYPE = {
  self: 1,
  bodies: 2,
  parked: 3,
  outbox: 4,
  framed: 5,
  refused: 6,
  epoch: 7,
  aside: 8,
  closed: 9,
  passed: 10,
} as const;

const ARCHIVE_NAME_BYTES = 16;

const WHY: readonly RefusedWhy[] = ['void', 'fork', 'unsigned'];

export const encodeRecord = (record: DeviceRecord): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeUint8(out, TYPE[record.type]);
  if (record.type === 'self') {
    encoding.writeUint8Array(out, record.json);
    return encoding.toUint8Array(out);
  }
  encoding.writeUint8Array(out, record.room);
  if (record.type === 'closed') {
    encoding.writeUint8Array(out, fromHex(record.archive));
    encoding.writeUint8Array(out, record.json);
    return encoding.toUint8Array(out);
  }
  if (record.type === 'passed') {
    for (const counter of record.counters) encoding.writeVarUint(out, counter);
    return encoding.toUint8Array(out);
  }
  if (record.type === 'aside') {
    encoding.writeVarUint(out, record.cursor);
    return encoding.toUint8Array(out);
  }
  if (record.type === 'bodies') {
    encoding.writeVarUint(out, record.cursor);
    encoding.writeVarUint(out, record.receivedAt);
    encoding.writeVarUint(out, record.bodies.length);
    let current = '';
    for (const { position, stream, body, epoch } of record.bodies) {
      encoding.writeVarUint(out, position);
      encoding.writeVarString(out, stream);
      writeEpoch(out, epoch, current);
      current = epoch;
      encoding.writeVarUint8Array(out, body);
    }
    return encoding.toUint8Array(out);
  }
  if (record.type === 'epoch') {
    encoding.writeUint8Array(out, record.commitment);
    encoding.writeVarUint(out, record.at);
    encoding.writeVarUint(out, record.position);
    if (record.key) encoding.writeUint8Array(out, record.key);
    return encoding.toUint8Array(out);
  }
  encoding.writeVarString(out, record.stream);
  switch (record.type) {
    case 'parked':
      encoding.writeVarUint(out, record.position);
      encoding.writeUint8Array(out, record.frame);
      break;
    case 'outbox':
      encoding.writeVarUint(out, record.clientId);
      encoding.writeUint8Array(out, record.nonce);
      encoding.writeUint8Array(out, record.payload);
      break;
    case 'refused':
      encoding.writeVarUint(out, record.position);
      encoding.writeUint8(out, WHY.indexOf(record.why));
      writeEpoch(out, record.epoch, '');
      encoding.writeUint8Array(out, record.body);
      break;
    case 'framed':
      encoding.writeVarUint8Array(out, record.frame);
      writeEpoch(out, record.epoch, '');
      encoding.writeUint8Array(out, record.body);
      break;
  }
  return encoding.toUint8Array(out);
};

/** One byte says that there is none, or the same as before; most that lie together are of one epoch. */
const EPOCH = { none: 0, same: 1, other: 2 } as const;

const writeEpoch = (out: encoding.Encoder, epoch: string, before: string): void => {
  if (epoch === '') encoding.writeUint8(out, EPOCH.none);
  else if (epoch === before) encoding.writeUint8(out, EPOCH.same);
  else {
    encoding.writeUint8(out, EPOCH.other);
    encoding.writeUint8Array(out, fromHex(epoch));
  }
};

const readEpoch = (reader: Reader, before: string): string => {
  switch (reader.byte()) {
    case EPOCH.none:
      return '';
    case EPOCH.same:
      return before;
    case EPOCH.other:
      return toHex(reader.fixed(EPOCH_NAME_BYTES));
    default:
      return tooNew();
  }
};

/** @throws SealwireError STORAGE_NEWER for a type of a later version, MALFORMED for bytes that are no record. */
export const decodeRecord = (bytes: Uint8Array): DeviceRecord => {
  const reader = new Reader(bytes);
  const type = reader.byte();
  if (type === TYPE.self) return { type: 'self', json: reader.fixed(reader.left) };
  const room = reader.fixed(ROOM_ID_BYTES);
  switch (type) {
    case TYPE.bodies:
      return readBodies(reader, room);
    case TYPE.parked:
      return {
        type: 'parked',
        room,
        stream: reader.ascii(64),
        position: reader.uint(),
        frame: reader.fixed(reader.left),
      };
    case TYPE.outbox:
      return {
        type: 'outbox',
        room,
        stream: reader.ascii(64),
        clientId: reader.uint(),
        nonce: reader.fixed(CLIENT_NONCE_BYTES),
        payload: reader.fixed(reader.left),
      };
    case TYPE.framed:
      return {
        type: 'framed',
        room,
        stream: reader.ascii(64),
        frame: reader.sized(bytes.length),
        epoch: readEpoch(reader, ''),
        body: reader.fixed(reader.left),
      };
    case TYPE.closed:
      return {
        type: 'closed',
        room,
        archive: toHex(reader.fixed(ARCHIVE_NAME_BYTES)),
        json: reader.fixed(reader.left),
      };
    case TYPE.passed: {
      const counters: number[] = [];
      while (reader.left > 0) counters.push(reader.uint());
      return { type: 'passed', room, counters };
    }
    case TYPE.aside:
      return { type: 'aside', room, cursor: reader.uint() };
    case TYPE.epoch:
      return {
        type: 'epoch',
        room,
        commitment: reader.fixed(32),
        at: reader.uint(),
        position: reader.uint(),
        key: reader.left > 0 ? reader.fixed(32) : undefined,
      };
    case TYPE.refused:
      return {
        type: 'refused',
        room,
        stream: reader.ascii(64),
        position: reader.uint(),
        why: WHY[reader.byte()] ?? tooNew(),
        epoch: readEpoch(reader, ''),
        body: reader.fixed(reader.left),
      };
    default:
      return tooNew();
  }
};

const tooNew = (): never => {
  throw new SealwireError('STORAGE_NEWER', 'The vault was written by a newer version: update this app.');
};

const readBodies = (reader: Reader, room: Uint8Array): BodiesRecord => {
  const cursor = reader.uint();
  const receivedAt = reader.uint();
  const count = reader.uint();
  const bodies: StoredBody[] = [];
  let epoch = '';
  for (let i = 0; i < count; i++) {
    const position = reader.uint();
    const stream = reader.ascii(64);
    epoch = readEpoch(reader, epoch);
    bodies.push({ position, stream, epoch, body: reader.sized(reader.left) });
  }
  reader.end();
  return { type: 'bodies', room, cursor, receivedAt, bodies };
};
