// Makes the vectors of frames, one fault a file, from spec/frame.md by way of twin.ts. Run it to write them again:
// node --import tsx spec/vectors/frame/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { type Bytes, ed25519Public, hex, join, seedOf, sha256, utf8 } from '../link/twin.ts';
import {
  addressOf,
  byte,
  chainStartOf,
  clientIdOf,
  epochTagOf,
  frameOf,
  hundredOfA,
  type Place,
  paddedOf,
  padmeOf,
  signatureOf,
  signedOf,
  storedBlock,
  streamKeyOf,
  uint64,
  varuint,
} from './twin.ts';

const { vectors, layer } = collect();

const place: Place = {
  epochKey: seedOf('epoch key'),
  room: seedOf('room'),
  stream: 'page-0',
  log: seedOf('the log of its epochs'),
};
const nonce = seedOf('frame nonce', 24);
const body = join(
  utf8('a body, which the envelope does not look into'),
  seedOf('its signature'),
  seedOf('and the rest of it'),
);

const opens = (frame: Bytes, at = place): Vector['input'] => ({
  epochKey: hex(at.epochKey),
  room: hex(at.room),
  stream: at.stream,
  log: hex(at.log),
  frame: hex(frame),
});

const addEnvelopes = ({ good, bad }: Layer): void => {
  const frame = frameOf(place, paddedOf(body), nonce);
  const keys = (at: Place) => ({
    epochTag: hex(epochTagOf(at)),
    streamKey: hex(streamKeyOf(at.epochKey, at.room, at.stream)),
  });
  good('valid', 'FR3', opens(frame), { body: hex(body), ...keys(place) });
  const control = { ...place, epochKey: seedOf('room secret'), stream: 'control' };
  const sealed = frameOf(control, paddedOf(body), nonce);
  good('control', 'KY2', opens(sealed, control), { body: hex(body), ...keys(control) }, 'the control stream');
  const nothing = frameOf(place, paddedOf(new Uint8Array(0)), nonce);
  good('empty', 'FR4', opens(nothing), { body: '', ...keys(place) }, 'a body of no bytes');

  const changed = (at: number): Bytes => {
    const bytes = Uint8Array.from(frame);
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    return bytes;
  };
  const unreadable = (name: string, rule: string, fault: string, wrong: Bytes, at = place): void =>
    bad(name, rule, fault, 'FRAME_UNREADABLE', opens(wrong, at));
  unreadable('no-bytes', 'FR1', 'no bytes', new Uint8Array(0));
  unreadable('short', 'FR1', 'a byte less than header, nonce and tag', frame.subarray(0, 49));
  const other = (changes: object): Bytes => frameOf(place, paddedOf(body), nonce, changes);
  bad('version', 'FR1', 'version 2', 'UNSUPPORTED_VERSION', opens(other({ version: 2 })));
  bad('suite', 'FR1', 'suite 2', 'UNSUPPORTED_VERSION', opens(other({ suite: 2 })));
  unreadable('nonce', 'FR3', 'one bit of the nonce differs', changed(10));
  unreadable('ciphertext', 'FR3', 'one bit of the ciphertext differs', changed(34));
  unreadable('tag', 'FR3', 'one bit of the tag differs', changed(-1));
  unreadable('cut', 'FR3', 'the last byte is missing', frame.subarray(0, -1));
  unreadable('trailing', 'FR3', 'a byte behind the tag', join(frame, byte(0)));
  const nextEpoch = { ...place, epochKey: seedOf('another epoch key') };
  const tag = epochTagOf(nextEpoch);
  unreadable(
    'epoch',
    'FR2',
    'the tag of another epoch',
    join(frame.subarray(0, 2), tag, frame.subarray(10)),
    nextEpoch,
  );
  const otherRoom = { ...place, room: seedOf('another room') };
  const moved = join(frame.subarray(0, 2), epochTagOf(otherRoom), frame.subarray(10));
  const otherLog = { ...place, log: seedOf('another log') };
  unreadable('log', 'EP5', 'an epoch of another log', frame, otherLog);
  unreadable('room', 'KY3', 'moved to another room, the epoch tag made to fit', moved, otherRoom);
  unreadable('stream', 'KY3', 'moved to another stream', frame, { ...place, stream: 'page-1' });

  const padding = (name: string, fault: string, plaintext: Bytes): void =>
    unreadable(`padding-${name}`, 'FR4', fault, frameOf(place, plaintext, nonce));
  const padded = paddedOf(body);
  padding('none', 'no padding at all', body.subarray(0, 104));
  padding('zeros', 'zeros without the mark before them', new Uint8Array(104));
  padding(
    'mark',
    'another mark',
    Uint8Array.from(padded, (value, i) => (i === body.length ? 0x40 : value)),
  );
  padding(
    'longer',
    'one class more than the body needs',
    join(padded, new Uint8Array(padmeOf(padded.length + 1) - padded.length)),
  );
  padding('shorter', 'a zero less than the class', padded.subarray(0, -1));
  padding(
    'bits',
    'padding that is not zeros',
    Uint8Array.from(padded, (value, i) => (i === padded.length - 1 ? 1 : value)),
  );
};

const CLIENT = 2 ** 52 + 12_345;
const signature = join(seedOf('a signature'), seedOf('that nobody checks here'));
const deviceId = seedOf('device id', 16);
const openingNonce = seedOf('opening nonce', 16);
const payload = utf8('payload');

const addBodies = ({ good, bad }: Layer): void => {
  const bytes = (signed: Bytes): Vector['input'] => ({ body: hex(join(signed, signature)) });
  const plain = { kind: 0, clientId: CLIENT, counter: 7, previous: 6, seen: [], heads: [] };
  const told = { ...plain, payload: hex(payload), signature: hex(signature) };
  const next = { clientId: CLIENT, counter: 7, delta: 1 };
  const opening = join(deviceId, openingNonce);
  good('valid', 'FR5', bytes(signedOf({ ...next, rest: payload })), told);
  good(
    'opening',
    'FR5',
    bytes(signedOf({ clientId: CLIENT, counter: 7, delta: 7, flags: 1, rest: join(opening, payload) })),
    { ...told, previous: 0, opening: { deviceId: hex(deviceId), nonce: hex(openingNonce) } },
    'the first of its chain',
  );
  const heads = [seedOf('head 1'), seedOf('head 2')];
  const seen = join(byte(2), seedOf('tag 1', 8), varuint(300), seedOf('tag 2', 8), varuint(1));
  good(
    'seen-heads',
    'FR5',
    bytes(signedOf({ ...next, flags: 6, kind: 1, rest: join(seen, byte(2), ...heads, payload) })),
    {
      ...told,
      kind: 1,
      seen: [
        { deviceTag: hex(seedOf('tag 1', 8)), counter: 300 },
        { deviceTag: hex(seedOf('tag 2', 8)), counter: 1 },
      ],
      heads: heads.map(hex),
    },
    'a control frame that tells what it has seen',
  );
  const largest = 2 ** 53 - 1;
  good(
    'largest',
    'FR5',
    bytes(signedOf({ clientId: largest, counter: largest, delta: 1, rest: payload })),
    { ...told, clientId: largest, counter: largest, previous: largest - 1 },
    'the largest numbers',
  );
  good('no-payload', 'FR5', bytes(signedOf(next)), { ...told, payload: '' }, 'an empty payload');
  const deflated = (length: number, stream: Bytes) =>
    bytes(signedOf({ ...next, flags: 8, rest: join(varuint(length), stream) }));
  good('stored', 'FR6', deflated(7, storedBlock(payload)), told, 'deflated, in a stored block');
  good(
    'deflated',
    'FR6',
    deflated(100, hundredOfA()),
    { ...told, payload: '61'.repeat(100) },
    'deflated, in a block of fixed codes',
  );
  addBadBodies(bad, bytes, deflated);
};

const addBadBodies = (
  bad: Layer['bad'],
  bytes: (signed: Bytes) => Vector['input'],
  deflated: (length: number, stream: Bytes) => Vector['input'],
): void => {
  const next = { clientId: CLIENT, counter: 7, delta: 1 };
  const malformed = (name: string, fault: string, signed: Bytes, rule = 'FR5'): void =>
    bad(name, rule, fault, 'MALFORMED', bytes(signed));
  bad('short', 'FR5', 'shorter than a signature', 'MALFORMED', { body: hex(signature.subarray(0, 63)) });
  malformed('cut', 'cut short in its counter', signedOf(next).subarray(0, 10));
  malformed('flags', 'a flag that does not exist', signedOf({ ...next, flags: 16 }));
  malformed('counter-zero', 'counter 0', signedOf({ ...next, counter: 0, delta: 0 }));
  malformed('counter-same', 'a counter that does not rise', signedOf({ ...next, delta: 0 }));
  malformed('counter-back', 'a previous counter below 0', signedOf({ ...next, delta: 8 }));
  malformed('opening-missing', 'the first of its chain, without an opening', signedOf({ ...next, delta: 7 }));
  const opening = join(deviceId, openingNonce);
  malformed(
    'opening-late',
    'an opening that is not the first',
    signedOf({ ...next, flags: 1, rest: opening }),
  );
  malformed(
    'opening-cut',
    'an opening that is cut short',
    signedOf({ ...next, delta: 7, flags: 1, rest: deviceId }),
  );
  malformed('seen-none', 'a list of seen with nothing in it', signedOf({ ...next, flags: 2, rest: byte(0) }));
  const many = (count: number, item: Bytes): Bytes => join(byte(count), ...Array<Bytes>(count).fill(item));
  const tag = join(seedOf('tag 1', 8), byte(1));
  malformed('seen-many', '17 devices seen', signedOf({ ...next, flags: 2, rest: many(17, tag) }));
  malformed(
    'heads-none',
    'a list of heads with nothing in it',
    signedOf({ ...next, flags: 4, rest: byte(0) }),
  );
  malformed('heads-many', '17 heads', signedOf({ ...next, flags: 4, rest: many(17, seedOf('head')) }));
  malformed(
    'heads-cut',
    'a head that is cut short',
    signedOf({ ...next, flags: 4, rest: join(byte(1), deviceId) }),
  );
  malformed(
    'padded-number',
    'a counter in two bytes where one is enough',
    join(Uint8Array.of(0, 0), varuint(CLIENT), Uint8Array.of(0x87, 0x00, 0x01)),
  );
  malformed('large-number', 'a clientID of 2^53', signedOf({ ...next, clientId: 2n ** 53n }));
  const inflates = (name: string, fault: string, length: number, stream: Bytes, code = 'MALFORMED'): void =>
    bad(`inflate-${name}`, 'FR6', fault, code, deflated(length, stream));
  inflates('longer', 'inflates to a byte more than it says', 99, hundredOfA());
  inflates('shorter', 'inflates to a byte less than it says', 101, hundredOfA());
  inflates('cut', 'its deflate stream has no end', 7, storedBlock(payload).subarray(0, -1));
  inflates('trailing', 'a byte behind its deflate stream', 7, join(storedBlock(payload), byte(0)));
  const unconfirmed = Uint8Array.from(storedBlock(payload), (value, i) => (i === 3 ? value ^ 1 : value));
  inflates('check', 'a stored block whose length is not confirmed', 7, unconfirmed);
  inflates('distance', 'a copy from before the beginning', 4, Buffer.from('4b04a200', 'hex'));
  inflates('limit', 'says that it inflates to more than 2 MiB', 2 ** 21 + 1, hundredOfA(), 'TOO_LARGE');
};

const seed = seedOf('identity');
const identity = ed25519Public(seed);
const device = sha256(utf8('sealwire/v1/device-id'), identity).subarray(0, 16);
const logId = seedOf('log');
const STREAM = 'page-0';

/** Bodies of one chain, each with its clientID's own counter, and the hash after them. */
const chainOf = (
  texts: readonly string[],
  changes: { readonly clientId?: number; readonly stream?: string } = {},
) => {
  const stream = changes.stream ?? STREAM;
  const clientId = changes.clientId ?? clientIdOf(identity, logId, stream, openingNonce);
  const address = addressOf(logId, stream, device, clientId);
  let hash = chainStartOf(address);
  const bodies = texts.map((text, i) => {
    const opening = i === 0 ? join(device, openingNonce) : new Uint8Array(0);
    const parts = {
      clientId,
      counter: i + 1,
      delta: 1,
      flags: i === 0 ? 1 : 0,
      rest: join(opening, utf8(text)),
    };
    const signed = signedOf(parts);
    hash = sha256(hash, signed);
    return join(signed, signatureOf(seed, address, i + 1, hash));
  });
  return { bodies, hash, address, clientId };
};

const addChains = ({ good, bad }: Layer): void => {
  const { bodies, hash, address, clientId } = chainOf(['one', 'two', 'three']);
  const [first, second, third] = bodies as [Bytes, Bytes, Bytes];
  const read = (list: readonly Bytes[], changes: object = {}): Vector['input'] => ({
    identityKey: hex(identity),
    logId: hex(logId),
    stream: STREAM,
    bodies: list.map(hex),
    ...changes,
  });
  const nothing = { accepted: [], hash: null };
  const opened = chainOf(['one']).hash;
  good('valid', 'FR7', read(bodies), { accepted: [1, 2, 3], hash: hex(hash) });
  good(
    'again',
    'FR9',
    read([first, second, first, second, third]),
    { accepted: [1, 2, 3], hash: hex(hash) },
    'frames that come twice',
  );
  good(
    'early',
    'FR9',
    read([first, third]),
    { accepted: [1], hash: hex(opened) },
    'the third waits for the second',
  );
  good('unopened', 'FR9', read([second, third]), nothing, 'all wait for the opening');
  const waits = (name: string, fault: string, list: readonly Bytes[], changes: object = {}): void =>
    good(name, 'FR10', read(list, changes), nothing, `${fault}; it opens no chain`);
  waits('other-stream', 'read in another stream', bodies, { stream: 'page-1' });
  waits('other-log', 'read in another log', bodies, { logId: hex(seedOf('another log')) });
  waits('other-device', "read as another device's", bodies, {
    identityKey: hex(ed25519Public(seedOf('mallory'))),
  });
  waits(
    'client-id',
    'a clientID that does not follow from the nonce',
    chainOf(['one'], { clientId: clientId - 1 }).bodies,
  );

  const forged = (name: string, fault: string, ...list: readonly Bytes[]): void =>
    bad(name, 'FR8', fault, 'FRAME_FORGED', read(list));
  const changed = (bytes: Bytes, at: number): Bytes =>
    Uint8Array.from(bytes, (value, i) => (i === at ? value ^ 1 : value));
  forged('signature', 'one bit of the signature differs', first, changed(second, second.length - 40));
  forged('payload', 'one bit of the payload differs', first, changed(second, second.length - 65));
  const signed = second.subarray(0, -64);
  const afterSecond = sha256(opened, signed);
  const by = (name: string, fault: string, ...of: Parameters<typeof signatureOf>): void =>
    forged(name, fault, first, join(signed, signatureOf(...of)));
  by('key', 'another device signed', seedOf('mallory'), address, 2, afterSecond);
  by('counter', 'signed for another counter', seed, address, 3, afterSecond);
  by('history', 'signed over another history', seed, address, 2, sha256(seedOf('another past'), signed));
  const elsewhere = addressOf(logId, 'page-1', device, clientId);
  by('address', 'signed for another stream', seed, elsewhere, 2, afterSecond);
  forged('malleable', 'S of the signature raised by the group order', first, raised(second));
  const other = chainOf(['one', 'another']).bodies[1]!;
  bad(
    'second',
    'FR9',
    'another content under a counter that is taken',
    'FRAME_EQUIVOCATION',
    read([first, second, other]),
  );
};

/** The same signature in a form that RFC 8032 §5.1.7 refuses. */
const raised = (bytes: Bytes): Bytes => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = Buffer.from(bytes.subarray(-32)).reverse();
  const more = BigInt(`0x${s.toString('hex')}`) + order;
  return join(bytes.subarray(0, -32), Buffer.from(more.toString(16).padStart(64, '0'), 'hex').reverse());
};

const addClientIds = ({ good }: Layer): void => {
  const add = (name: string, stream: string, ofNonce: Bytes, note?: string): void =>
    good(
      name,
      'FR10',
      { identityKey: hex(identity), logId: hex(logId), stream, nonce: hex(ofNonce) },
      {
        clientId: clientIdOf(identity, logId, stream, ofNonce),
        bytes: hex(uint64(clientIdOf(identity, logId, stream, ofNonce))),
      },
      note,
    );
  add('valid', STREAM, openingNonce);
  add('control', 'control', openingNonce, 'another stream gives another clientID');
  add('nonce', STREAM, seedOf('another nonce', 16), 'another nonce gives another clientID');
};

addEnvelopes(layer('envelope'));
addBodies(layer('body'));
addChains(layer('chain'));
addClientIds(layer('client-id'));

/** All vectors by name. */
export const frameVectors = vectors;

writeIfMain(import.meta.url, vectors);
