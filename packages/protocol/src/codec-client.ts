// The layout of each message that a device sends, after its first byte.
// Rules: spec/relay-protocol.md §4.
import {
  type Codecs,
  readFrame,
  readInboxPayload,
  readKeys,
  readMembers,
  readStream,
  rise,
  risesStrictly,
  writeCount,
  writeFixed,
  writeKeys,
  writeMembers,
  writeRising,
  writeSized,
  writeStream,
  writeUint,
} from './codec-parts.ts';
import { SealwireError } from './errors.ts';
import {
  INBOX_TOKEN_BYTES,
  KEY_BYTES,
  PRINCIPAL_ID_BYTES,
  RENDEZVOUS_ID_BYTES,
  ROOM_ID_BYTES,
  SIGNATURE_BYTES,
} from './ids.ts';
import { LIMITS } from './limits.ts';
import type { ClientMessage, Farewell } from './messages.ts';
import { malformed, type Reader } from './reader.ts';

export const CLIENT_CODECS: Codecs<ClientMessage> = {
  authenticate: {
    tag: 0x01,
    write(to, message) {
      writeFixed(to, message.relayKey, KEY_BYTES, 'relayKey');
      writeFixed(to, message.signature, SIGNATURE_BYTES, 'signature');
    },
    read: (from) => ({
      type: 'authenticate',
      relayKey: from.fixed(KEY_BYTES),
      signature: from.fixed(SIGNATURE_BYTES),
    }),
  },
  'put-principal': {
    tag: 0x02,
    write(to, message) {
      if (!risesStrictly(message.farewells.map(({ relayKey }) => relayKey)))
        throw new RangeError('farewells: not sorted bytewise by relay key and unique');
      writeUint(to, message.request, 'request');
      writeFixed(to, message.manageKey, KEY_BYTES, 'manageKey');
      writeUint(to, message.version, 'version', 1);
      writeKeys(to, message.relayKeys, LIMITS.principalKeys, 'relayKeys');
      writeCount(to, message.farewells.length, LIMITS.principalKeys, 'farewells');
      for (const { relayKey, note } of message.farewells) {
        writeFixed(to, relayKey, KEY_BYTES, 'farewells');
        writeSized(to, note, LIMITS.farewellBytes, 'farewells', 1);
      }
      writeFixed(to, message.signature, SIGNATURE_BYTES, 'signature');
    },
    read: (from) => ({
      type: 'put-principal',
      request: from.uint(),
      manageKey: from.fixed(KEY_BYTES),
      version: from.positive(),
      relayKeys: readKeys(from, LIMITS.principalKeys),
      farewells: readFarewells(from),
      signature: from.fixed(SIGNATURE_BYTES),
    }),
  },
  'put-room': {
    tag: 0x03,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeUint(to, message.version, 'version', 1);
      writeMembers(to, message.members);
    },
    read: (from) => ({
      type: 'put-room',
      request: from.uint(),
      room: from.fixed(ROOM_ID_BYTES),
      version: from.positive(),
      members: readMembers(from),
    }),
  },
  resume: {
    tag: 0x04,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeCount(to, message.rooms.length, LIMITS.resumeRooms, 'rooms');
      for (const { room, cursor } of message.rooms) {
        writeFixed(to, room, ROOM_ID_BYTES, 'room');
        writeUint(to, cursor, 'cursor');
      }
    },
    read(from) {
      const request = from.uint();
      const count = from.count(LIMITS.resumeRooms, ROOM_ID_BYTES + 1);
      const rooms = [];
      for (let i = 0; i < count; i++) rooms.push({ room: from.fixed(ROOM_ID_BYTES), cursor: from.uint() });
      return { type: 'resume', request, rooms };
    },
  },
  append: {
    tag: 0x05,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeStream(to, message.stream, false);
      writeSized(to, message.frame, LIMITS.frameBytes, 'frame', 1);
    },
    read: (from) => ({
      type: 'append',
      request: from.uint(),
      room: from.fixed(ROOM_ID_BYTES),
      stream: readStream(from, false),
      frame: readFrame(from),
    }),
  },
  read: {
    tag: 0x06,
    write(to, message) {
      if (message.maxBytes > LIMITS.readBytes)
        throw new RangeError(`maxBytes: more than ${LIMITS.readBytes}`);
      writeUint(to, message.request, 'request');
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeStream(to, message.stream, true);
      writeUint(to, message.after, 'after');
      writeUint(to, message.maxBytes, 'maxBytes');
    },
    read: (from) => ({
      type: 'read',
      request: from.uint(),
      room: from.fixed(ROOM_ID_BYTES),
      stream: readStream(from, true),
      after: from.uint(),
      maxBytes: readMaxBytes(from),
    }),
  },
  signal: {
    tag: 0x07,
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
  'rendezvous-open': {
    tag: 0x08,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id');
      writeSized(to, message.payload, LIMITS.rendezvousBytes, 'payload');
    },
    read: (from) => ({
      type: 'rendezvous-open',
      request: from.uint(),
      id: from.fixed(RENDEZVOUS_ID_BYTES),
      payload: from.sized(LIMITS.rendezvousBytes),
    }),
  },
  'rendezvous-join': {
    tag: 0x09,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id');
    },
    read: (from) => ({
      type: 'rendezvous-join',
      request: from.uint(),
      id: from.fixed(RENDEZVOUS_ID_BYTES),
    }),
  },
  'rendezvous-send': {
    tag: 0x0a,
    write(to, message) {
      writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id');
      writeSized(to, message.payload, LIMITS.rendezvousBytes, 'payload');
    },
    read: (from) => ({
      type: 'rendezvous-send',
      id: from.fixed(RENDEZVOUS_ID_BYTES),
      payload: from.sized(LIMITS.rendezvousBytes),
    }),
  },
  'rendezvous-close': {
    tag: 0x0b,
    write: (to, message) => writeFixed(to, message.id, RENDEZVOUS_ID_BYTES, 'id'),
    read: (from) => ({ type: 'rendezvous-close', id: from.fixed(RENDEZVOUS_ID_BYTES) }),
  },
  ping: { tag: 0x0c, write: () => {}, read: () => ({ type: 'ping' }) },
  'put-inbox': {
    tag: 0x0d,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.version, 'version', 1);
      writeKeys(to, message.tokens, LIMITS.inboxTokens, 'tokens');
    },
    read: (from) => ({
      type: 'put-inbox',
      request: from.uint(),
      version: from.positive(),
      tokens: readKeys(from, LIMITS.inboxTokens),
    }),
  },
  'inbox-append': {
    tag: 0x0e,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.principal, PRINCIPAL_ID_BYTES, 'principal');
      writeFixed(to, message.token, INBOX_TOKEN_BYTES, 'token');
      writeSized(to, message.payload, LIMITS.inboxPayloadBytes, 'payload', 1);
    },
    read: (from) => ({
      type: 'inbox-append',
      request: from.uint(),
      principal: from.fixed(PRINCIPAL_ID_BYTES),
      token: from.fixed(INBOX_TOKEN_BYTES),
      payload: readInboxPayload(from),
    }),
  },
  'inbox-read': {
    tag: 0x0f,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeUint(to, message.after, 'after');
    },
    read: (from) => ({ type: 'inbox-read', request: from.uint(), after: from.uint() }),
  },
  'inbox-remove': {
    tag: 0x10,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeCount(to, message.numbers.length, LIMITS.inboxMessages, 'numbers');
      for (const [i, number] of message.numbers.entries())
        writeRising(to, message.numbers[i - 1] ?? 0, number, 'numbers');
    },
    read(from) {
      const request = from.uint();
      const count = from.count(LIMITS.inboxMessages, 1);
      const numbers: number[] = [];
      for (let i = 0; i < count; i++) numbers.push(rise(numbers[i - 1] ?? 0, from.uint()));
      return { type: 'inbox-remove', request, numbers };
    },
  },
  'get-room': {
    tag: 0x11,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
    },
    read: (from) => ({ type: 'get-room', request: from.uint(), room: from.fixed(ROOM_ID_BYTES) }),
  },
  'delete-room': {
    tag: 0x20,
    write(to, message) {
      writeUint(to, message.request, 'request');
      writeFixed(to, message.room, ROOM_ID_BYTES, 'room');
      writeUint(to, message.version, 'version', 1);
    },
    read: (from) => ({
      type: 'delete-room',
      request: from.uint(),
      room: from.fixed(ROOM_ID_BYTES),
      version: from.positive(),
    }),
  },
};

const readFarewells = (from: Reader): Farewell[] => {
  const count = from.count(LIMITS.principalKeys, KEY_BYTES + 2);
  const farewells: Farewell[] = [];
  for (let i = 0; i < count; i++) {
    const farewell = { relayKey: from.fixed(KEY_BYTES), note: from.sized(LIMITS.farewellBytes) };
    if (farewell.note.length === 0) throw malformed('a note is empty');
    farewells.push(farewell);
  }
  if (!risesStrictly(farewells.map(({ relayKey }) => relayKey)))
    throw malformed('farewells are not sorted and unique');
  return farewells;
};

const readMaxBytes = (from: Reader): number => {
  const maxBytes = from.uint();
  if (maxBytes > LIMITS.readBytes)
    throw new SealwireError('TOO_LARGE', 'A read asks for more than one answer holds.');
  return maxBytes;
};
