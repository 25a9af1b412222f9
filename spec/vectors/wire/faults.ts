// The vectors of the wire that must be refused, one fault each. Rules: spec/relay-protocol.md §3 to §5.
import type { Layer } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import { type Bytes, join, utf8 } from '../link/twin.ts';
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
  principal,
  request,
  room,
  signature,
  token,
} from './parts.ts';

export const addClientFaults = ({ bad }: Layer): void => {
  const wrong = (name: string, rule: string, fault: string, ...bytes: readonly Bytes[]) =>
    bad(name, rule, fault, 'MALFORMED', input(...bytes));
  const large = (name: string, fault: string, ...bytes: readonly Bytes[]) =>
    bad(name, 'RP13', fault, 'TOO_LARGE', input(...bytes));
  wrong('no-bytes', 'RP14', 'an empty message');
  wrong('type-zero', 'RP14', 'type 0', byte(0));
  wrong('type-later', 'RP14', 'a type after the last', byte(0x12), request, room);
  wrong('other-side', 'RP14', 'what a relay sends', byte(0x8f));
  wrong('trailing', 'RP14', 'a byte after the last field', byte(0x0c), byte(0));
  wrong('cut-id', 'RP11', 'an id without its last byte', byte(0x09), request, id.subarray(0, 15));
  wrong('cut-number', 'RP11', 'a number that ends with its first byte', byte(0x0f), byte(0x81));
  wrong(
    'number-padded',
    'RP12',
    'a request of two bytes that is 1',
    byte(0x09),
    Uint8Array.of(0x81, 0x00),
    id,
  );
  wrong('number-large', 'RP12', 'a request of 2^53', byte(0x09), varuint(2n ** 53n), id);
  wrong(
    'number-endless',
    'RP12',
    'a number of ten bytes',
    byte(0x09),
    new Uint8Array(9).fill(0x80),
    byte(1),
    id,
  );
  wrong('version-zero', 'RP10', 'a version 0', byte(0x03), request, room, varuint(0), list());
  wrong(
    'flag-two',
    'RP10',
    'an admin flag of 2',
    byte(0x03),
    request,
    room,
    varuint(1),
    list(join(low, byte(2))),
  );
  const admin = join(low, byte(1));
  wrong(
    'member-twice',
    'RP18',
    'a member that stands twice',
    byte(0x03),
    request,
    room,
    varuint(1),
    list(admin, admin),
  );
  const principalWith = (keys: Bytes, farewells: Bytes): Bytes =>
    join(byte(0x02), request, manageKey, varuint(1), keys, farewells, signature);
  wrong('keys-fall', 'RP18', 'keys that do not rise', principalWith(list(high, low), list()));
  wrong('key-twice', 'RP18', 'a key that stands twice', principalWith(list(low, low), list()));
  const left = (key: Bytes, what = note): Bytes => join(key, counted(what));
  wrong(
    'farewells-fall',
    'RP18',
    'farewells that do not rise',
    principalWith(list(), list(left(high), left(low))),
  );
  wrong('note-empty', 'RP13', 'an empty note', principalWith(list(), list(left(low, new Uint8Array()))));
  large(
    'note-large',
    'a note of 4,097 bytes',
    byte(0x02),
    request,
    manageKey,
    varuint(1),
    list(),
    varuint(1),
    low,
    varuint(4_097),
  );
  large('keys-many', '65 keys', byte(0x02), request, manageKey, varuint(1), varuint(65));
  wrong(
    'keys-claimed',
    'RP13',
    'more keys than bytes',
    byte(0x02),
    request,
    manageKey,
    varuint(1),
    varuint(60),
    low,
  );
  large('members-many', '1,025 members', byte(0x03), request, room, varuint(1), varuint(1_025));
  large('rooms-many', '20,001 rooms', byte(0x04), request, varuint(20_001));
  wrong('rooms-claimed', 'RP13', 'more rooms than bytes', byte(0x04), request, varuint(20_000), room);
  const appended = (stream: Bytes, rest: Bytes): Bytes => join(byte(0x05), request, room, stream, rest);
  wrong('frame-empty', 'RP13', 'an empty frame', appended(label('control'), byte(0)));
  large('frame-large', 'a frame of 512 KiB and one byte', appended(label('control'), varuint(524_289)));
  wrong('stream-none', 'RP15', 'an append to all streams', appended(label(''), counted(frame)));
  wrong('stream-upper', 'RP15', 'a label with a capital', appended(label('Control'), counted(frame)));
  wrong('stream-dash', 'RP15', 'a label that starts with a dash', appended(label('-page'), counted(frame)));
  wrong('stream-high', 'RP15', 'a label with a byte above ASCII', appended(sizedLabel(0xe9), counted(frame)));
  large('stream-long', 'a label of 33 characters', appended(label('a'.repeat(33)), counted(frame)));
  large(
    'read-large',
    'a read of 256 KiB and one byte',
    byte(0x06),
    request,
    room,
    byte(0),
    byte(0),
    varuint(262_145),
  );
  large('signal-large', 'a signal of 16 KiB and one byte', byte(0x07), room, varuint(16_385));
  large('cell-large', 'a cell of 64 KiB and one byte', byte(0x08), request, id, varuint(65_537));
  wrong('tokens-fall', 'RP18', 'tokens that do not rise', byte(0x0d), request, varuint(1), list(high, low));
  large('tokens-many', '65 tokens', byte(0x0d), request, varuint(1), varuint(65));
  const inbox = join(byte(0x0e), request, principal, token);
  wrong('inbox-empty', 'RP13', 'an empty message for an inbox', inbox, byte(0));
  large('inbox-large', 'a message of 16 KiB and one byte for an inbox', inbox, varuint(16_385));
  large('removals-many', '65 numbers', byte(0x10), request, varuint(65));
  const far = list(varuint(MOST - 1), varuint(0));
  wrong('removals-far', 'RP20', 'a second number of 2^53', byte(0x10), request, far);
  bad('message-large', 'RP13', 'a message of 1 MiB and one byte', 'TOO_LARGE', {
    bytes: '0c',
    zeros: 1_048_576,
  });
};

const sizedLabel = (second: number): Bytes => Uint8Array.of(2, 0x70, second);

export const addRelayFaults = ({ bad }: Layer): void => {
  const wrong = (name: string, rule: string, fault: string, ...bytes: readonly Bytes[]) =>
    bad(name, rule, fault, 'MALFORMED', input(...bytes));
  bad(
    'hello-later',
    'RP19',
    'version 2',
    'UNSUPPORTED_VERSION',
    input(byte(0x81), varuint(2), utf8('whatever')),
  );
  wrong('other-side', 'RP14', 'what a device sends', byte(0x0c));
  wrong(
    'welcome-both',
    'RP14',
    'a principal and a farewell',
    byte(0x82),
    byte(1),
    principal,
    varuint(3),
    counted(note),
  );
  wrong('welcome-flag', 'RP10', 'a flag of 2', byte(0x82), byte(2), principal, varuint(3));
  bad(
    'farewell-large',
    'RP13',
    'a farewell of 4,097 bytes',
    'TOO_LARGE',
    input(byte(0x82), byte(0), varuint(4_097)),
  );
  wrong('appended-nowhere', 'RP10', 'position 0', byte(0x85), request, byte(0));
  const one = join(varuint(0), label('control'), counted(frame));
  wrong(
    'frames-stream-again',
    'RP17',
    'a label that repeats the one before',
    byte(0x86),
    room,
    list(one, one),
  );
  const nameless = join(varuint(0), byte(0), counted(frame));
  wrong('frames-stream-none', 'RP17', 'a first frame without a label', byte(0x86), room, list(nameless));
  const far = join(varuint(MOST), label('control'), counted(frame));
  wrong('frames-far', 'RP17', 'a position of 2^53', byte(0x86), room, list(far));
  wrong('frames-claimed', 'RP13', 'more frames than bytes', byte(0x86), room, varuint(99), one);
  const index = (gap: number): Bytes => join(varuint(gap), varuint(8));
  wrong('resumed-index', 'RP13', 'an index of 20,000', byte(0x84), request, list(index(20_000)), list());
  wrong('code-lower', 'RP16', 'a code in small letters', byte(0x8e), request, label('timed_out'));
  wrong('code-empty', 'RP16', 'an empty code', byte(0x8e), request, byte(0));
  bad(
    'code-long',
    'RP13',
    'a code of 41 characters',
    'TOO_LARGE',
    input(byte(0x8e), request, label('A'.repeat(41))),
  );
  wrong('news-none', 'RP10', 'news of number 0', byte(0x93), byte(0));
  wrong('letter-empty', 'RP13', 'an empty message of an inbox', byte(0x92), varuint(0), low, byte(0));
  bad(
    'letter-large',
    'RP13',
    'one of 16 KiB and one byte',
    'TOO_LARGE',
    input(byte(0x92), varuint(0), low, varuint(16_385)),
  );
  const result = join(byte(0x91), request, varuint(2));
  bad('letters-many', 'RP13', '65 messages', 'TOO_LARGE', input(result, list(), byte(1), varuint(65)));
  wrong('letters-claimed', 'RP13', 'more messages than bytes', result, list(), byte(1), varuint(9), low);
  wrong('result-tokens-fall', 'RP18', 'tokens that do not rise', result, list(high, low), byte(1), list());
  const member = join(principal, byte(0));
  wrong(
    'room-member-twice',
    'RP18',
    'a member that stands twice',
    byte(0x94),
    request,
    varuint(1),
    list(member, member),
  );
};
