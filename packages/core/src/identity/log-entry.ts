// Entries of the control stream: devices, members, epochs; each signed by itself. Layout: spec/device-log.md §2.
import { isStreamLabel, LIMITS, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { sha256 } from '#native';
import { concat, utf8 } from '../bytes.ts';
import { SUITE } from '../crypto/kdf.ts';
import { DEVICE_ID_BYTES } from '../frame/body.ts';
import type { DevicePublic } from './device-keys.ts';

export const WRAPPED_KEY_BYTES = 80;
const MAX_PARENTS = 16;
const MAX_RECIPIENTS = 1024;
const MAX_DEVICES = 64;
const MAX_CHAINS = 4096;

/** Rights of a device, as bits. */
export const RIGHT = { link: 1 } as const;

/** The first entry of a device log; its hash is the account's root and id. */
export interface DeviceGenesis {
  readonly type: 'device-genesis';
  readonly nonce: Uint8Array;
  readonly device: DevicePublic;
  /** X25519, 32 bytes: what epoch keys are wrapped to. */
  readonly accountKey: Uint8Array;
  /** 32 bytes: the account as the relay knows it. */
  readonly principal: Uint8Array;
  readonly at: number;
}

export interface DeviceAdd {
  readonly type: 'device-add';
  readonly account: Uint8Array;
  /** Hashes of the log's newest entries that the author knew; 32 bytes each. */
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  readonly device: DevicePublic;
  readonly rights: number;
  readonly at: number;
}

/** Ends a device. By a device that may link others, or by itself. */
export interface DeviceRevoke {
  readonly type: 'device-revoke';
  readonly account: Uint8Array;
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  /** The device that ends; 16 bytes. */
  readonly device: Uint8Array;
  readonly at: number;
}

/** A new account key for the devices that are left, wrapped to each one's HPKE key. */
export interface AccountKey {
  readonly type: 'account-key';
  readonly account: Uint8Array;
  readonly parents: readonly Uint8Array[];
  readonly author: Uint8Array;
  /** X25519 public, 32 bytes. */
  readonly accountKey: Uint8Array;
  readonly wraps: readonly { readonly device: Uint8Array; readonly wrapped: Uint8Array }[];
}

/** How far a chain of a revoked device counts in one log. */
export interface CutChain {
  readonly stream: string;
  readonly clientId: number;
  /** Counter of, and cumulative hash after, the last frame that counts. */
  readonly counter: number;
  readonly hash: Uint8Array;
}

/** In a room's control stream: what a revoked device wrote beyond these chains, or in others, is void. */
export interface Cut {
  readonly type: 'cut';
  /** Account root or chat id. */
  readonly log: Uint8Array;
  /** The hash of the revocation. */
  readonly revoke: Uint8Array;
  readonly author: Uint8Array;
  readonly device: Uint8Array;
  readonly chains: readonly CutChain[];
}

/** The first entry of a membership log; its hash is the chat's id. */
export interface ChatGenesis {
  readonly type: 'chat-genesis';
  readonly nonce: Uint8Array;
  readonly account: Uint8Array;
  readonly author: Uint8Array;
  readonly at: number;
}

export interface Recipient {
  readonly account: Uint8Array;
  readonly accountKey: Uint8Array;
  /** HPKE: encapsulated key (32) and sealed epoch key (48). */
  readonly wrapped: Uint8Array;
}

export interface EpochEntry {
  readonly type: 'epoch';
  /** Account root or chat id. */
  readonly log: Uint8Array;
  readonly index: number;
  /** The epochs that this one follows; none for epoch 0. */
  readonly parents: readonly Uint8Array[];
  /** The log heads under which it was made. */
  readonly heads: readonly Uint8Array[];
  readonly author: Uint8Array;
  readonly commitment: Uint8Array;
  readonly recipients: readonly Recipient[];
}

export type LogEntry = DeviceGenesis | DeviceAdd | DeviceRevoke | AccountKey | Cut | ChatGenesis | EpochEntry;

/** The entries that make up a device log. */
export type DeviceLogEntry = DeviceGenesis | DeviceAdd | DeviceRevoke | AccountKey;

/** An entry with its bytes, hash and signatures. */
export interface SignedEntry<E extends LogEntry = LogEntry> {
  readonly entry: E;
  /** Everything but the signatures. */
  readonly unsigned: Uint8Array;
  /** SHA-256 over label and `unsigned`: names the entry. */
  readonly hash: Uint8Array;
  /** The author's; for device-add the new device's after it. 64 bytes each. */
  readonly signatures: readonly Uint8Array[];
}

const TYPE = {
  'device-genesis': 1,
  'device-add': 2,
  'chat-genesis': 3,
  epoch: 4,
  'device-revoke': 5,
  'account-key': 6,
  cut: 7,
} as const;

const signatureCount = (entry: LogEntry): number => (entry.type === 'device-add' ? 2 : 1);

/** The entry's hash: what others name it by. */
export const entryHash = (unsigned: Uint8Array): Uint8Array =>
  sha256(utf8('sealwire/v1/log-entry'), unsigned);

/** What each of an entry's signers signs. */
export const entryStatement = (hash: Uint8Array): Uint8Array =>
  concat(utf8('sealwire/v1/log-signature'), hash);

/** Encodes an entry without signatures; see spec/device-log.md §2. */
export const encodeUnsigned = (entry: LogEntry): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeUint8(out, TYPE[entry.type]);
  encoding.writeUint8(out, SUITE);
  const bytes = (value: Uint8Array) => encoding.writeUint8Array(out, value);
  const list = (values: readonly Uint8Array[]) => {
    encoding.writeVarUint(out, values.length);
    values.forEach(bytes);
  };
  const device = (keys: DevicePublic) => [keys.identity, keys.relay, keys.hpke].forEach(bytes);
  switch (entry.type) {
    case 'device-genesis':
      bytes(entry.nonce);
      device(entry.device);
      bytes(entry.accountKey);
      bytes(entry.principal);
      encoding.writeVarUint(out, entry.at);
      break;
    case 'device-add':
      bytes(entry.account);
      list(entry.parents);
      bytes(entry.author);
      device(entry.device);
      encoding.writeUint8(out, entry.rights);
      encoding.writeVarUint(out, entry.at);
      break;
    case 'device-revoke':
      bytes(entry.account);
      list(entry.parents);
      bytes(entry.author);
      bytes(entry.device);
      encoding.writeVarUint(out, entry.at);
      break;
    case 'account-key':
      bytes(entry.account);
      list(entry.parents);
      bytes(entry.author);
      bytes(entry.accountKey);
      encoding.writeVarUint(out, entry.wraps.length);
      for (const wrap of entry.wraps) [wrap.device, wrap.wrapped].forEach(bytes);
      break;
    case 'cut':
      [entry.log, entry.revoke, entry.author, entry.device].forEach(bytes);
      encoding.writeVarUint(out, entry.chains.length);
      for (const chain of entry.chains) {
        encoding.writeVarString(out, chain.stream);
        encoding.writeVarUint(out, chain.clientId);
        encoding.writeVarUint(out, chain.counter);
        bytes(chain.hash);
      }
      break;
    case 'chat-genesis':
      bytes(entry.nonce);
      bytes(entry.account);
      bytes(entry.author);
      encoding.writeVarUint(out, entry.at);
      break;
    case 'epoch':
      bytes(entry.log);
      encoding.writeVarUint(out, entry.index);
      list(entry.parents);
      list(entry.heads);
      bytes(entry.author);
      bytes(entry.commitment);
      encoding.writeVarUint(out, entry.recipients.length);
      for (const to of entry.recipients) [to.account, to.accountKey, to.wrapped].forEach(bytes);
      break;
  }
  return encoding.toUint8Array(out);
};

/** Signs an entry. @param signers - the author's signing function, for device-add then the new device's. */
export const signEntry = <E extends LogEntry>(
  entry: E,
  ...signers: readonly ((statement: Uint8Array) => Uint8Array)[]
): SignedEntry<E> => {
  const unsigned = encodeUnsigned(entry);
  const hash = entryHash(unsigned);
  return { entry, unsigned, hash, signatures: signers.map((sign) => sign(entryStatement(hash))) };
};

/** The bytes of a signed entry, as they lie in a control frame. */
export const encodeEntryBytes = (signed: SignedEntry): Uint8Array =>
  concat(signed.unsigned, ...signed.signatures);

/**
 * Decodes a signed entry. Total; signatures are not checked here but in device-log.ts.
 *
 * @throws SealwireError MALFORMED, UNSUPPORTED_VERSION
 */
export const decodeEntryBytes = (bytes: Uint8Array): SignedEntry => {
  const reader = new Reader(bytes);
  const entry = readUnsigned(reader);
  const unsigned = bytes.subarray(0, bytes.length - reader.left);
  const signatures = Array.from({ length: signatureCount(entry) }, () => reader.fixed(64));
  reader.end();
  return { entry, unsigned, hash: entryHash(unsigned), signatures };
};

const readUnsigned = (reader: Reader): LogEntry => {
  const type = reader.byte();
  if (reader.byte() !== SUITE)
    throw new SealwireError('UNSUPPORTED_VERSION', 'A log entry is of a newer version: update this app.');
  const key = () => reader.fixed(32);
  const deviceId = () => reader.fixed(DEVICE_ID_BYTES);
  const device = (): DevicePublic => ({ identity: key(), relay: key(), hpke: key() });
  switch (type) {
    case TYPE['device-genesis']:
      return {
        type: 'device-genesis',
        nonce: reader.fixed(16),
        device: device(),
        accountKey: key(),
        principal: key(),
        at: reader.uint(),
      };
    case TYPE['device-add']:
      return {
        type: 'device-add',
        account: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        device: device(),
        rights: reader.byte(),
        at: reader.uint(),
      };
    case TYPE['device-revoke']:
      return {
        type: 'device-revoke',
        account: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        device: deviceId(),
        at: reader.uint(),
      };
    case TYPE['account-key']:
      return {
        type: 'account-key',
        account: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        accountKey: key(),
        wraps: readList(reader, MAX_DEVICES, () => ({
          device: deviceId(),
          wrapped: reader.fixed(WRAPPED_KEY_BYTES),
        })),
      };
    case TYPE.cut:
      return {
        type: 'cut',
        log: key(),
        revoke: key(),
        author: deviceId(),
        device: deviceId(),
        chains: readList(reader, MAX_CHAINS, () => ({
          stream: streamLabel(reader),
          clientId: reader.uint(),
          counter: reader.uint(),
          hash: key(),
        })),
      };
    case TYPE['chat-genesis']:
      return {
        type: 'chat-genesis',
        nonce: reader.fixed(16),
        account: key(),
        author: deviceId(),
        at: reader.uint(),
      };
    case TYPE.epoch:
      return {
        type: 'epoch',
        log: key(),
        index: reader.uint(),
        parents: readList(reader, MAX_PARENTS, key),
        heads: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        commitment: key(),
        recipients: readList(reader, MAX_RECIPIENTS, () => ({
          account: key(),
          accountKey: key(),
          wrapped: reader.fixed(WRAPPED_KEY_BYTES),
        })),
      };
    default:
      throw new SealwireError('UNSUPPORTED_VERSION', 'A log entry is of an unknown type: update this app.');
  }
};

const streamLabel = (reader: Reader): string => {
  const label = reader.ascii(LIMITS.streamChars);
  if (!isStreamLabel(label)) throw new SealwireError('MALFORMED', 'A log entry names no stream.');
  return label;
};

const readList = <T>(reader: Reader, limit: number, read: () => T): T[] => {
  const count = reader.uint();
  if (count > limit) throw new SealwireError('MALFORMED', 'A log entry holds a list that is too long.');
  const values: T[] = [];
  for (let i = 0; i < count; i++) values.push(read());
  return values;
};
