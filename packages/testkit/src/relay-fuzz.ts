// Sample messages of every type, and damage done to them, for tests of codec and relay.
// Rules it serves: spec/relay-protocol.md §3 to §5.
import {
  type ClientMessage,
  CONTROL_STREAM,
  compareBytes,
  ERROR_CODES,
  type ErrorCode,
  encodeClientMessage,
  encodeRelayMessage,
  type InboxMessage,
  LIMITS,
  pageStream,
  type RelayMessage,
  type StoredFrame,
} from '@sealwire/protocol';
import type { Random } from './random.ts';

export { type Random, seededRandom } from './random.ts';

/** One message of every type that a device sends, with random fields. */
export const sampleClientMessages = (random: Random): ClientMessage[] => {
  const request = number(random);
  const room = random.bytes(32);
  const id = random.bytes(16);
  const stream = label(random);
  return [
    { type: 'authenticate', relayKey: random.bytes(32), signature: random.bytes(64) },
    {
      type: 'put-principal',
      request,
      manageKey: random.bytes(32),
      version: number(random) || 1,
      relayKeys: list(random, 5, () => random.bytes(32)).sort(compareBytes),
      farewells: list(random, 3, () => random.bytes(32))
        .sort(compareBytes)
        .map((relayKey) => ({ relayKey, note: random.bytes(1 + random.int(300)) })),
      signature: random.bytes(64),
    },
    {
      type: 'put-room',
      request,
      room,
      version: number(random) || 1,
      members: list(random, 5, () => ({ principal: random.bytes(32), admin: random.int(2) === 1 })),
    },
    {
      type: 'resume',
      request,
      rooms: list(random, 9, () => ({ room: random.bytes(32), cursor: number(random) })),
    },
    { type: 'append', request, room, stream, frame: random.bytes(1 + random.int(300)) },
    {
      type: 'read',
      request,
      room,
      stream: random.pick(['', stream]),
      after: number(random),
      maxBytes: random.int(LIMITS.readBytes + 1),
    },
    { type: 'signal', room, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-open', request, id, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-join', request, id },
    { type: 'rendezvous-send', id, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-close', id },
    { type: 'ping' },
    { type: 'put-inbox', request, version: number(random) || 1, tokens: hashes(random) },
    {
      type: 'inbox-append',
      request,
      principal: random.bytes(32),
      token: id,
      payload: random.bytes(1 + random.int(300)),
    },
    { type: 'inbox-read', request, after: number(random) },
    { type: 'inbox-remove', request, numbers: sampleLetters(random).map((one) => one.number) },
    { type: 'get-room', request, room },
    { type: 'delete-room', request, room, version: 1 + random.int(1000) },
  ];
};

/** One message of every type that a relay sends, with random fields. */
export const sampleRelayMessages = (random: Random): RelayMessage[] => {
  const request = number(random);
  const room = random.bytes(32);
  const id = random.bytes(16);
  const code = (): ErrorCode => random.pick(ERROR_CODES);
  return [
    { type: 'hello', version: 1, relayId: random.bytes(16), nonce: random.bytes(32) },
    { type: 'welcome', principal: undefined, version: 0, farewell: undefined },
    { type: 'welcome', principal: undefined, version: 0, farewell: random.bytes(1 + random.int(300)) },
    { type: 'welcome', principal: random.bytes(32), version: 1 + random.int(1000), farewell: undefined },
    { type: 'done', request, version: number(random) || 1 },
    {
      type: 'resumed',
      request,
      news: indexes(random).map((index) => ({ index, head: number(random) })),
      refused: indexes(random).map((index) => ({ index, code: code() })),
    },
    { type: 'appended', request, position: number(random) || 1 },
    { type: 'frames', room, frames: sampleFrames(random) },
    {
      type: 'read-result',
      request,
      head: number(random),
      complete: random.int(2) === 1,
      frames: sampleFrames(random),
    },
    { type: 'signal', room, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-opened', request, openMs: number(random), totalMs: number(random) },
    { type: 'rendezvous-found', request, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-joined', id },
    { type: 'rendezvous-message', id, payload: random.bytes(random.int(300)) },
    { type: 'rendezvous-closed', id, code: code() },
    { type: 'refused', request, code: code() },
    { type: 'pong' },
    { type: 'accepted', request },
    {
      type: 'inbox-result',
      request,
      version: number(random),
      tokens: hashes(random),
      complete: random.int(2) === 1,
      messages: sampleLetters(random),
    },
    { type: 'inbox', number: number(random) || 1, token: random.bytes(32), payload: random.bytes(9) },
    { type: 'inbox-news', last: number(random) || 1 },
    {
      type: 'room-result',
      request,
      version: number(random) || 1,
      members: list(random, 5, () => ({ principal: random.bytes(32), admin: random.int(2) === 1 })),
    },
    { type: 'unfollowed', room, code: code() },
    { type: 'room-nearly-full', room, bytes: random.int(1e9), mostBytes: 1 + random.int(1e9) },
  ];
};

/**
 * Bytes that no honest peer sends: noise, or a sample message with bytes changed, cut, added, repeated or spliced.
 * Some results are valid messages by chance.
 */
export const hostileBytes = (random: Random, side: 'client' | 'relay'): Uint8Array => {
  const sample = (): Uint8Array =>
    side === 'client'
      ? encodeClientMessage(random.pick(sampleClientMessages(random)))
      : encodeRelayMessage(random.pick(sampleRelayMessages(random)));
  if (random.int(8) === 0) return random.bytes(random.int(200));
  let bytes: Uint8Array = sample();
  for (let rounds = 1 + random.int(3); rounds > 0; rounds--) bytes = damage(random, bytes, sample);
  return bytes;
};

/**
 * A message of each kind that a device sends once it is let in, in any order and with random contents: one in six is damaged as by
 * {@link hostileBytes}, the others decode, and ask for what nobody has a right to or what makes no sense.
 */
export const hostileBatch = (random: Random): Uint8Array[] => {
  const samples = sampleClientMessages(random)
    .filter(({ type }) => type !== 'authenticate')
    .map(encodeClientMessage);
  const batch: Uint8Array[] = [];
  while (samples.length > 0) {
    const [bytes] = samples.splice(random.int(samples.length), 1) as [Uint8Array];
    batch.push(random.int(6) === 0 ? damage(random, bytes, () => bytes) : bytes);
  }
  return batch;
};

const damage = (random: Random, bytes: Uint8Array, sample: () => Uint8Array): Uint8Array => {
  const at = random.int(bytes.length + 1);
  const changed = bytes.slice();
  switch (random.int(6)) {
    case 0:
      if (at < changed.length) changed[at] = random.int(256);
      return changed;
    case 1:
      // Early bytes are types, numbers and lengths.
      changed[Math.min(1 + random.int(4), changed.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
      return changed;
    case 2:
      return changed.subarray(0, at);
    case 3:
      return join(changed.subarray(0, at), random.bytes(1 + random.int(12)), changed.subarray(at));
    case 4:
      return join(
        changed.subarray(0, at),
        Uint8Array.from({ length: 1 + random.int(9) }, () => 0xff),
      );
    default:
      return join(changed.subarray(0, at), sample().subarray(random.int(8)));
  }
};

const sampleFrames = (random: Random): StoredFrame[] => {
  let position = 0;
  return list(random, 8, () => {
    position += 1 + random.int(random.pick([1, 3, 1e9]));
    return { position, stream: label(random), frame: random.bytes(1 + random.int(200)) };
  });
};

const sampleLetters = (random: Random): InboxMessage[] => {
  let last = 0;
  return list(random, 6, () => {
    last += 1 + random.int(random.pick([1, 3, 1e9]));
    return { number: last, token: random.bytes(32), payload: random.bytes(1 + random.int(200)) };
  });
};

const hashes = (random: Random): Uint8Array[] => list(random, 5, () => random.bytes(32)).sort(compareBytes);

/** Numbers of every length on the wire, small ones more often. */
const number = (random: Random): number =>
  random.pick([
    random.int(3),
    random.int(200),
    random.int(2 ** 20),
    random.int(2 ** 53),
    Number.MAX_SAFE_INTEGER,
  ]);

const label = (random: Random): string =>
  random.pick([CONTROL_STREAM, pageStream(random.int(3)), 'a'.repeat(LIMITS.streamChars)]);

const list = <T>(random: Random, most: number, item: () => T): T[] =>
  Array.from({ length: random.int(most + 1) }, item);

const indexes = (random: Random): number[] =>
  [...new Set(list(random, 6, () => random.int(LIMITS.resumeRooms)))].sort((a, b) => a - b);

const join = (...parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
