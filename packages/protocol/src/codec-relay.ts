// The layout of each message that a relay sends, after its first byte.
// Rules: spec/relay-protocol.md §5.
import type * as encoding from 'lib0/encoding';
import {
  type Codecs,
  readCode,
  readFrames,
  readInboxPayload,
  readKeys,
  readMembers,
  rise,
  writeCode,
  writeCount,
  writeFixed,
  writeFlag,
  writeFrames,
  writeKeys,
  writeMembers,
  writeRising,
  writeSized,
  writeUint,
} from './codec-parts.ts';
import { SealwireError } from './errors.ts';
import {
  INBOX_TOKEN_HASH_BYTES,
  NONCE_BYTES,
  PRINCIPAL_ID_BYTES,
  PROTOCOL_VERSION,
  RELAY_ID_BYTES,
  RENDEZVOUS_ID_BYTES,
  ROOM_ID_BYTES,
} from './ids.ts';
import { LIMITS } from './limits.ts';
import type { InboxMessage, RelayMessage } from './messages.ts';
import { malformed, type Reader } from './reader.ts';

export const RELAY_CODECS: Codecs<RelayMessage> = {
  hello: {
    tag: 0x81,
    write(to, message) {
      if (message.version !== PROTOCOL_VERSION) throw new RangeError(`version: not ${PROTOCOL_VERSION}`);
      writeUint(to, message.version, 'version');
      writeFixed(to, message.relayId, RELAY_ID_BYTES, 'relayId');
      writeFixed(to, message.nonce, NONCE_BYTES, 'nonce');
    },
    read(from) {
      const version = from.uint();
      // Before anything else is read: what follows may look otherwise in another version.
      if (version !== PROTOCOL_VERSION) {
        throw new SealwireError(
          'UNSUPPORTED_VERSION',
          `The relay speaks version ${version}, not ${PROTOCOL_VERSION}.`,
        );
      }
      return { type: 'hello', version, relayId: from.fixed(RELAY_ID_BYTES), nonce: from.fixed(NONCE_BYTES) };
    },
  },
  welcome: {
    tag: 0x82,
    write(to, { principal, version, farewell }) {
      writeFlag(to, principal !== undefined);
      if (principal === undefined) {
        if (farewell?.length === 0) throw new RangeError('farewell: empty');
        writeSized(to, farewell ?? new Uint8Array(), LIMITS.farewellBytes, 'farewell');
        return;
      }
      if (farewell !== undefined) throw new RangeError('farewell: for a key that a principal lists');
      writeFixed(to, principal, PRINCIPAL_ID_BYTES, 'principal');
      writeUint(to, version, 'version', 1);
    },
    read(from) {
      const type = 'welcome';
      if (from.flag()) {
        const principal = from.fixed(PRINCIPAL_ID_BYTES);
        return { type, principal, version: from.positive(), farewell: undefined };
      }
      const farewell = from.sized(LIMITS.farewellBytes);
      return { type, principal: undefined, version: 0, farewell: farewell.length > 0 ? farewell : undefined };
    },
  },
  done: {
    tag: 0x83,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.version, 'version', 1);
    },
    read: (from) => ({ type: 'done', request: from.uint(), version: from.positive() }),
  },
  resumed: {
    tag: 0x84,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeIndexed(to, message.news, (item) => writeUint(to, item.head, 'head'));
      writeIndexed(to, message.refused, (item) => writeCode(to, item.code));
    },
    read: (from) => ({
      type: 'resumed',
      request: from.uint(),
      news: readIndexed(from, 2, (index) => ({ index, head: from.uint() })),
      refused: readIndexed(from, 3, (index) => ({ index, code: readCode(from) })),
    }),
  },
  appended: {
    tag: 0x85,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.position, 'position', 1);
    },
    read: (from) => ({ type: 'appended', request: from.uint(), position: from.positive() }),
  },
  frames: {
    tag: 0x86,
    write(to, message) {
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeFrames(to, message.frames);
    },
    read: (from) => ({ type: 'frames', room: from.fixed(ROOM_ID_BYTES), frames: readFrames(from) }),
  },
  'read-result': {
    tag: 0x87,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.head, 'head');
      writeFlag(to, message.complete);
      writeFrames(to, message.frames);
    },
    read: (from) => ({
      type: 'read-result',
      request: from.uint(),
      head: from.uint(),
      complete: from.flag(),
      frames: readFrames(from),
    }),
  },
  signal: {
    tag: 0x88,
    write(to, message) {
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeSized(to, message.payload, LIMITS.signalBytes, 'payload');
    },
    read: (from) => ({
      type: 'signal',
      room: from.fixed(ROOM_ID_BYTES),
      payload: from.sized(LIMITS.signalBytes),
    }),
  },
  'rendezvous-opened': {
    tag: 0x89,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.openMs, 'openMs');
      writeUint(to, message.totalMs, 'totalMs');
    },
    read: (from) => ({
      type: 'rendezvous-opened',
      request: from.uint(),
      openMs: from.uint(),
      totalMs: from.uint(),
    }),
  },
  'rendezvous-found': {
    tag: 0x8a,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeSized(to, message.payload, LIMITS.rendezvousBytes, 'payload');
    },
    read: (from) => ({
      type: 'rendezvous-found',
      request: from.uint(),
      payload: from.sized(LIMITS.rendezvousBytes),
    }),
  },
  'rendezvous-joined': {
    tag: 0x8b,
    write: (to, message) => writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id'),
    read: (from) => ({ type: 'rendezvous-joined', id: from.fixed(RENDEZVOUS_ID_BYTES) }),
  },
  'rendezvous-message': {
    tag: 0x8c,
    write(to, message) {
      writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id');
      writeSized(to, message.payload, LIMITS.rendezvousBytes, 'payload');
    },
    read: (from) => ({
      type: 'rendezvous-message',
      id: from.fixed(RENDEZVOUS_ID_BYTES),
      payload: from.sized(LIMITS.rendezvousBytes),
    }),
  },
  'rendezvous-closed': {
    tag: 0x8d,
    write(to, message) {
      writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id');
      writeCode(to, message.code);
    },
    read: (from) => ({
      type: 'rendezvous-closed',
      id: from.fixed(RENDEZVOUS_ID_BYTES),
      code: readCode(from),
    }),
  },
  refused: {
    tag: 0x8e,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeCode(to, message.code);
    },
    read: (from) => ({ type: 'refused', request: from.uint(), code: readCode(from) }),
  },
  pong: { tag: 0x8f, write: () => {}, read: () => ({ type: 'pong' }) },
  accepted: {
    tag: 0x90,
    write: (to, message) => writeUint(to, message.request, 'request'),
    read: (from) => ({ type: 'accepted', request: from.uint() }),
  },
  'inbox-result': {
    tag: 0x91,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.version, 'version');
      writeKeys(to, message.tokens, LIMITS.inboxTokens, 'tokens');
      writeFlag(to, message.complete);
      writeCount(to, message.messages.length, LIMITS.inboxMessages, 'messages');
      for (const [i, one] of message.messages.entries())
        writeInboxMessage(to, message.messages[i - 1]?.number ?? 0, one);
    },
    read(from) {
      const [request, version] = [from.uint(), from.uint()];
      const tokens = readKeys(from, LIMITS.inboxTokens);
      const complete = from.flag();
      const count = from.count(LIMITS.inboxMessages, INBOX_TOKEN_HASH_BYTES + 3);
      const messages: InboxMessage[] = [];
      for (let i = 0; i < count; i++) messages.push(readInboxMessage(from, messages[i - 1]?.number ?? 0));
      return { type: 'inbox-result', request, version, tokens, complete, messages };
    },
  },
  inbox: {
    tag: 0x92,
    write: (to, message) => writeInboxMessage(to, 0, message),
    read: (from) => ({ type: 'inbox', ...readInboxMessage(from, 0) }),
  },
  'inbox-news': {
    tag: 0x93,
    write: (to, message) => writeUint(to, message.last, 'last', 1),
    read: (from) => ({ type: 'inbox-news', last: from.positive() }),
  },
  'room-result': {
    tag: 0x94,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.version, 'version', 1);
      writeMembers(to, message.members);
    },
    read: (from) => ({
      type: 'room-result',
      request: from.uint(),
      version: from.positive(),
      members: readMembers(from),
    }),
  },
  unfollowed: {
    tag: 0x95,
    write(to, message) {
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeCode(to, message.code);
    },
    read: (from) => ({ type: 'unfollowed', room: from.fixed(ROOM_ID_BYTES), code: readCode(from) }),
  },
  'room-nearly-full': {
    tag: 0xa0,
    write(to, message) {
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeUint(to, message.bytes, 'bytes');
      writeUint(to, message.mostBytes, 'mostBytes', 1);
    },
    read: (from) => ({
      type: 'room-nearly-full',
      room: from.fixed(ROOM_ID_BYTES),
      bytes: from.uint(),
      mostBytes: from.positive(),
    }),
  },
};

/** One message of an inbox; its number as the distance from the one before (0 for the first) less one. */
const writeInboxMessage = (to: encoding.Encoder, before: number, message: InboxMessage): void => {
  writeRising(to, before, message.number, 'number');
  writeFixed(to, message.token, INBOX_TOKEN_HASH_BYTES, 'token');
  writeSized(to, message.payload, LIMITS.inboxPayloadBytes, 'payload', 1);
};

const readInboxMessage = (from: Reader, before: number): InboxMessage => ({
  number: rise(before, from.uint()),
  token: from.fixed(INBOX_TOKEN_HASH_BYTES),
  payload: readInboxPayload(from),
});

/** Items with rising indexes into a request: each index as its distance from the one before (from -1) less one. */
const writeIndexed = <T extends { readonly index: number }>(
  to: encoding.Encoder,
  items: readonly T[],
  writeRest: (item: T) => void,
): void => {
  writeCount(to, items.length, LIMITS.resumeRooms, 'items');
  let before = -1;
  for (const item of items) {
    if (item.index >= LIMITS.resumeRooms) throw new RangeError('index: beyond the longest request');
    writeUint(to, item.index - before - 1, 'index (rising)');
    writeRest(item);
    before = item.index;
  }
};

const readIndexed = <T>(from: Reader, bytesEach: number, readRest: (index: number) => T): T[] => {
  const count = from.count(LIMITS.resumeRooms, bytesEach);
  const items: T[] = [];
  let index = -1;
  for (let i = 0; i < count; i++) {
    index = rise(index, from.uint());
    if (index >= LIMITS.resumeRooms) throw malformed('an index is beyond the longest request');
    items.push(readRest(index));
  }
  return items;
};
