// The bytes of log entries. Layout: spec/device-log.md §2, of members and shares spec/membership.md §1.
import { isStreamLabel, LIMITS, type Reader, ROOM_ID_BYTES, SealwireError, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { isSuite, SUITE_BYTES, type Suite } from '../crypto/suites.ts';
import { DEVICE_ID_BYTES } from '../frame/body.ts';
import { readName } from '../names.ts';
import type { DevicePublic } from './device-keys.ts';
import { suiteOfEntry } from './entry-suite.ts';
import type { CutChain, DeviceChains, LogEntry, MemberChange, Recipient, Role } from './log-entry.ts';

const MAX_PARENTS = 16;
const MAX_RECIPIENTS = 1024;
const MAX_DEVICES = 64;
const MAX_CHAINS = 4096;
/** Devices that a removal names: those of one account that ever wrote in a chat. */
const MAX_CHAINED_DEVICES = 1024;
const MAX_SHARED_KEYS = 1024;
/** The tag that HPKE adds to a list of keys, behind the encapsulated key. */
const TAG_BYTES = 16;

const TYPE = {
  'device-genesis': 1,
  'device-add': 2,
  'chat-genesis': 3,
  epoch: 4,
  'device-revoke': 5,
  'account-key': 6,
  cut: 7,
  member: 8,
  share: 9,
  'device-renew': 10,
} as const;

/** Types that may be of suite 2: those that hold HPKE keys. */
const KEYED: ReadonlySet<number> = new Set([
  TYPE['device-genesis'],
  TYPE['device-add'],
  TYPE.epoch,
  TYPE['account-key'],
  TYPE.share,
]);

/** Encodes an entry without signatures; see spec/device-log.md §2. @throws RangeError if its keys are of two suites. */
export const encodeUnsigned = (entry: LogEntry): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeUint8(out, TYPE[entry.type]);
  encoding.writeUint8(out, suiteOfEntry(entry));
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
    case 'device-renew':
      bytes(entry.account);
      list(entry.parents);
      bytes(entry.author);
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
      list(entry.heads);
      writeChains(out, entry.chains);
      break;
    case 'member':
      bytes(entry.log);
      list(entry.parents);
      bytes(entry.author);
      bytes(entry.account);
      writeChange(out, entry.change);
      encoding.writeVarUint(out, entry.at);
      break;
    case 'share':
      [entry.log, entry.author, entry.account, entry.accountKey].forEach(bytes);
      encoding.writeVarUint8Array(out, entry.sealed);
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

/** Reads an entry up to its signatures. @throws SealwireError MALFORMED, TOO_LARGE, UNSUPPORTED_VERSION */
export const readUnsigned = (reader: Reader): LogEntry => {
  const type = reader.byte();
  const suite = reader.byte();
  if (!isSuite(suite) || (suite !== 1 && !KEYED.has(type)))
    throw new SealwireError('UNSUPPORTED_VERSION', 'A log entry is of a newer version: update this app.');
  const key = () => reader.fixed(32);
  const deviceId = () => reader.fixed(DEVICE_ID_BYTES);
  const hpkeKey = () => reader.fixed(SUITE_BYTES[suite].publicKey);
  const wrapped = () => reader.fixed(SUITE_BYTES[suite].wrapped);
  const device = (): DevicePublic => ({ identity: key(), relay: key(), hpke: hpkeKey() });
  switch (type) {
    case TYPE['device-genesis']:
      return {
        type: 'device-genesis',
        nonce: reader.fixed(16),
        device: device(),
        accountKey: hpkeKey(),
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
    case TYPE['device-renew']:
      return {
        type: 'device-renew',
        account: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        at: reader.uint(),
      };
    case TYPE['account-key']:
      return {
        type: 'account-key',
        account: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        accountKey: hpkeKey(),
        wraps: readList(reader, MAX_DEVICES, () => ({ device: deviceId(), wrapped: wrapped() })),
      };
    case TYPE.cut:
      return {
        type: 'cut',
        log: key(),
        revoke: key(),
        author: deviceId(),
        device: deviceId(),
        heads: readList(reader, MAX_PARENTS, key),
        chains: readChains(reader),
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
        recipients: readRecipients(reader, suite),
      };
    case TYPE.member:
      return {
        type: 'member',
        log: key(),
        parents: readList(reader, MAX_PARENTS, key),
        author: deviceId(),
        account: key(),
        change: readChange(reader),
        at: reader.uint(),
      };
    case TYPE.share:
      return {
        type: 'share',
        log: key(),
        author: deviceId(),
        account: key(),
        accountKey: hpkeKey(),
        sealed: readShared(reader, suite),
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

const ACTION = { add: 1, remove: 2, leave: 3, promote: 4, demote: 5, rename: 6, merge: 7, move: 8 } as const;
const ROLES: readonly Role[] = ['member', 'admin'];

const writeChange = (out: encoding.Encoder, change: MemberChange): void => {
  encoding.writeUint8(out, ACTION[change.action]);
  if ('subject' in change) encoding.writeUint8Array(out, change.subject);
  if (change.action === 'add') encoding.writeUint8(out, ROLES.indexOf(change.role));
  if (change.action === 'rename') encoding.writeVarString(out, change.title);
  if (change.action === 'move') encoding.writeUint8Array(out, change.room);
  if (!('chains' in change)) return;
  encoding.writeVarUint(out, change.chains.length);
  for (const { device, chains } of change.chains) {
    encoding.writeUint8Array(out, device);
    writeChains(out, chains);
  }
};

const readChange = (reader: Reader): MemberChange => {
  const action = reader.byte();
  switch (action) {
    case ACTION.add:
      return { action: 'add', subject: reader.fixed(32), role: reader.flag() ? 'admin' : 'member' };
    case ACTION.remove:
      return { action: 'remove', subject: reader.fixed(32), chains: readDeviceChains(reader) };
    case ACTION.leave:
      return { action: 'leave', chains: readDeviceChains(reader) };
    case ACTION.promote:
      return { action: 'promote', subject: reader.fixed(32) };
    case ACTION.demote:
      return { action: 'demote', subject: reader.fixed(32) };
    case ACTION.rename:
      return { action: 'rename', title: readName(reader, 'a title') };
    case ACTION.merge:
      return { action: 'merge' };
    case ACTION.move:
      return { action: 'move', room: reader.fixed(ROOM_ID_BYTES) };
    default:
      throw new SealwireError(
        'UNSUPPORTED_VERSION',
        'A member entry is of an unknown kind: update this app.',
      );
  }
};

const writeChains = (out: encoding.Encoder, chains: readonly CutChain[]): void => {
  encoding.writeVarUint(out, chains.length);
  for (const chain of chains) {
    encoding.writeVarString(out, chain.stream);
    encoding.writeVarUint(out, chain.clientId);
    encoding.writeVarUint(out, chain.counter);
    encoding.writeUint8Array(out, chain.hash);
  }
};

const readChains = (reader: Reader, limit = MAX_CHAINS): CutChain[] => {
  const chains = readList(reader, limit, () => ({
    stream: streamLabel(reader),
    clientId: reader.uint(),
    counter: reader.uint(),
    hash: reader.fixed(32),
  }));
  requireOnce(chains.map(({ stream, clientId }) => `${stream} ${clientId}`));
  return chains;
};

const readDeviceChains = (reader: Reader): DeviceChains[] => {
  let left = MAX_CHAINS;
  const devices = readList(reader, MAX_CHAINED_DEVICES, () => {
    const device = reader.fixed(DEVICE_ID_BYTES);
    const chains = readChains(reader, left);
    left -= chains.length;
    return { device, chains };
  });
  requireOnce(devices.map(({ device }) => toHex(device)));
  return devices;
};

/** One chain with two ends would be one thing to some readers and another to others. */
const requireOnce = (names: readonly string[]): void => {
  if (new Set(names).size !== names.length)
    throw new SealwireError('MALFORMED', 'A log entry names a chain or a device twice.');
};

const readRecipients = (reader: Reader, suite: Suite): Recipient[] => {
  const recipients = readList(reader, MAX_RECIPIENTS, () => ({
    account: reader.fixed(32),
    accountKey: reader.fixed(SUITE_BYTES[suite].publicKey),
    wrapped: reader.fixed(SUITE_BYTES[suite].wrapped),
  }));
  if (suite !== 1 && recipients.length === 0)
    throw new SealwireError('MALFORMED', 'A log entry names a suite and has nothing of it.');
  return recipients;
};

const readShared = (reader: Reader, suite: Suite): Uint8Array => {
  const overhead = SUITE_BYTES[suite].enc + TAG_BYTES;
  const sealed = reader.sized(overhead + 32 * MAX_SHARED_KEYS);
  if (sealed.length <= overhead || (sealed.length - overhead) % 32 !== 0)
    throw new SealwireError('MALFORMED', 'A log entry shares something that is no list of keys.');
  return sealed;
};
