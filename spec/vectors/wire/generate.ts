// Makes the vectors of the wire, one fault a file, from spec/relay-protocol.md. Run it to write them again:
// node --import tsx spec/vectors/wire/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import { type Bytes, hex, join, sha256, utf8 } from '../link/twin.ts';
import { addClientFaults, addRelayFaults } from './faults.ts';
import {
  counted,
  frame,
  high,
  id,
  input,
  label,
  list,
  low,
  MOST,
  manageKey,
  note,
  payload,
  principal,
  request,
  room,
  signature,
  token,
} from './parts.ts';

const { vectors, layer } = collect();

const addClient = ({ good }: Layer): void => {
  const says = (name: string, rule: string, bytes: readonly Bytes[], fields: Record<string, unknown>) =>
    good(name, rule, input(...bytes), { type: name, ...fields });
  says('authenticate', 'RP41', [byte(0x01), low, signature], {
    relayKey: hex(low),
    signature: hex(signature),
  });
  says(
    'put-principal',
    'RP47',
    [byte(0x02), request, manageKey, varuint(7), list(low), list(join(high, counted(note))), signature],
    {
      request: 300,
      manageKey: hex(manageKey),
      version: 7,
      relayKeys: [hex(low)],
      farewells: [{ relayKey: hex(high), note: hex(note) }],
      signature: hex(signature),
    },
  );
  says('put-room', 'RP49', [byte(0x03), request, room, varuint(1), list(join(principal, byte(1)))], {
    request: 300,
    room: hex(room),
    version: 1,
    members: [{ principal: hex(principal), admin: true }],
  });
  const rooms = list(join(room, varuint(MOST)), join(low, varuint(0)));
  says('resume', 'RP73', [byte(0x04), request, rooms], {
    request: 300,
    rooms: [
      { room: hex(room), cursor: MOST },
      { room: hex(low), cursor: 0 },
    ],
  });
  says('append', 'RP63', [byte(0x05), request, room, label('page-12'), counted(frame)], {
    request: 300,
    room: hex(room),
    stream: 'page-12',
    frame: hex(frame),
  });
  says('read', 'RP77', [byte(0x06), request, room, label(''), varuint(9), varuint(262_144)], {
    request: 300,
    room: hex(room),
    stream: '',
    after: 9,
    maxBytes: 262_144,
  });
  says('signal', 'RP78', [byte(0x07), room, counted(payload)], { room: hex(room), payload: hex(payload) });
  says('rendezvous-open', 'RP90', [byte(0x08), request, id, counted(payload)], {
    request: 300,
    id: hex(id),
    payload: hex(payload),
  });
  says('rendezvous-join', 'RP90', [byte(0x09), request, id], { request: 300, id: hex(id) });
  says('rendezvous-send', 'RP90', [byte(0x0a), id, counted(payload)], { id: hex(id), payload: hex(payload) });
  says('rendezvous-close', 'RP95', [byte(0x0b), id], { id: hex(id) });
  says('ping', 'RP83', [byte(0x0c)], {});
  says('put-inbox', 'RP109', [byte(0x0d), request, varuint(2), list(low, high)], {
    request: 300,
    version: 2,
    tokens: [hex(low), hex(high)],
  });
  says('inbox-append', 'RP110', [byte(0x0e), request, principal, token, counted(payload)], {
    request: 300,
    principal: hex(principal),
    token: hex(token),
    payload: hex(payload),
  });
  says('inbox-read', 'RP113', [byte(0x0f), request, varuint(5)], { request: 300, after: 5 });
  says('inbox-remove', 'RP20', [byte(0x10), request, list(varuint(0), varuint(0), varuint(6))], {
    request: 300,
    numbers: [1, 2, 9],
  });
  says('get-room', 'RP120', [byte(0x11), request, room], { request: 300, room: hex(room) });
  says('delete-room', 'RP186', [byte(0x20), request, room, varuint(5)], {
    request: 300,
    room: hex(room),
    version: 5,
  });
};

const addRelay = ({ good }: Layer): void => {
  const says = (type: string, rule: string, bytes: readonly Bytes[], fields: object, name = type) =>
    good(name, rule, input(...bytes), { type, ...fields });
  says('hello', 'RP40', [byte(0x81), varuint(1), id, room], {
    version: 1,
    relayId: hex(id),
    nonce: hex(room),
  });
  says('welcome', 'RP41', [byte(0x82), byte(1), principal, varuint(3)], {
    principal: hex(principal),
    version: 3,
  });
  says(
    'welcome',
    'RP53',
    [byte(0x82), byte(0), counted(note)],
    { version: 0, farewell: hex(note) },
    'farewell',
  );
  says('welcome', 'RP41', [byte(0x82), byte(0), byte(0)], { version: 0 }, 'welcome-nobody');
  says('done', 'RP47', [byte(0x83), request, varuint(4)], { request: 300, version: 4 });
  const news = list(join(varuint(0), varuint(8)), join(varuint(2), varuint(0)));
  const refused = list(join(varuint(1), label('NOT_A_MEMBER')));
  says('resumed', 'RP75', [byte(0x84), request, news, refused], {
    request: 300,
    news: [
      { index: 0, head: 8 },
      { index: 3, head: 0 },
    ],
    refused: [{ index: 1, code: 'NOT_A_MEMBER' }],
  });
  says('appended', 'RP72', [byte(0x85), request, varuint(8)], { request: 300, position: 8 });
  const frames = list(
    join(varuint(0), label('control'), counted(frame)),
    join(varuint(0), byte(0), counted(note)),
    join(varuint(297), label('page-0'), counted(frame)),
  );
  const plainFrames = [
    { position: 1, stream: 'control', frame: hex(frame) },
    { position: 2, stream: 'control', frame: hex(note) },
    { position: 300, stream: 'page-0', frame: hex(frame) },
  ];
  says('frames', 'RP17', [byte(0x86), room, frames], { room: hex(room), frames: plainFrames });
  says('read-result', 'RP77', [byte(0x87), request, varuint(301), byte(0), frames], {
    request: 300,
    head: 301,
    complete: false,
    frames: plainFrames,
  });
  says('signal', 'RP78', [byte(0x88), room, counted(payload)], { room: hex(room), payload: hex(payload) });
  says('rendezvous-opened', 'RP93', [byte(0x89), request, varuint(60_000), varuint(180_000)], {
    request: 300,
    openMs: 60_000,
    totalMs: 180_000,
  });
  says('rendezvous-found', 'RP90', [byte(0x8a), request, counted(payload)], {
    request: 300,
    payload: hex(payload),
  });
  says('rendezvous-joined', 'RP90', [byte(0x8b), id], { id: hex(id) });
  says('rendezvous-message', 'RP90', [byte(0x8c), id, counted(payload)], {
    id: hex(id),
    payload: hex(payload),
  });
  says('rendezvous-closed', 'RP95', [byte(0x8d), id, label('RENDEZVOUS_PEER_LEFT')], {
    id: hex(id),
    code: 'RENDEZVOUS_PEER_LEFT',
  });
  says('refused', 'RP49', [byte(0x8e), request, label('VERSION_CONFLICT')], {
    request: 300,
    code: 'VERSION_CONFLICT',
  });
  says('pong', 'RP83', [byte(0x8f)], {});
  says('accepted', 'RP118', [byte(0x90), request], { request: 300 });
  const letter = (gap: number): Bytes => join(varuint(gap), low, counted(payload));
  const letters = [3, 5].map((number) => ({ number, token: hex(low), payload: hex(payload) }));
  says(
    'inbox-result',
    'RP113',
    [byte(0x91), request, varuint(2), list(low), byte(1), list(letter(2), letter(1))],
    {
      request: 300,
      version: 2,
      tokens: [hex(low)],
      complete: true,
      messages: letters,
    },
  );
  says('inbox', 'RP115', [byte(0x92), letter(2)], { ...letters[0] });
  says('inbox-news', 'RP115', [byte(0x93), varuint(5)], { last: 5 });
  says('room-result', 'RP120', [byte(0x94), request, varuint(4), list(join(principal, byte(0)))], {
    request: 300,
    version: 4,
    members: [{ principal: hex(principal), admin: false }],
  });
  says('unfollowed', 'RP121', [byte(0x95), room, label('NOT_A_MEMBER')], {
    room: hex(room),
    code: 'NOT_A_MEMBER',
  });
  says('room-nearly-full', 'RP185', [byte(0xa0), room, varuint(90), varuint(100)], {
    room: hex(room),
    bytes: 90,
    mostBytes: 100,
  });
};

const addStatements = ({ good }: Layer): void => {
  const says = (name: string, rule: string, parts: Vector['input'], ...bytes: readonly Bytes[]) =>
    good(name, rule, { of: name, ...parts }, { bytes: hex(join(...bytes)), sha256: hex(sha256(...bytes)) });
  says(
    'authenticate',
    'RP41',
    { relayId: hex(id), nonce: hex(room), relayKey: hex(low) },
    ...[utf8('sealwire/v1/authenticate'), id, room, low],
  );
  says(
    'principal',
    'RP47',
    {
      principal: hex(principal),
      version: 258,
      relayKeys: [hex(low)],
      farewells: [{ relayKey: hex(high), note: hex(note) }],
    },
    ...[
      utf8('sealwire/v1/principal'),
      principal,
      Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2),
      Uint8Array.of(0, 0, 0, 1),
      low,
    ],
    ...[high, Uint8Array.of(0, 0, 0, note.length), note],
  );
  says('inbox-token', 'RP110', { token: hex(token) }, utf8('sealwire/v1/inbox-token'), token);
};

addClient(layer('client'));
addClientFaults(layer('client'));
addRelay(layer('relay'));
addRelayFaults(layer('relay'));
addStatements(layer('statement'));

export const wireVectors: ReadonlyMap<string, Vector> = vectors;
writeIfMain(import.meta.url, wireVectors);
