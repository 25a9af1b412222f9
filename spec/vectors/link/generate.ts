// Makes the vectors of linking, one fault a file, from spec/link.md by way of twin.ts. Run it to write them again:
// node --import tsx spec/vectors/link/generate.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  acceptanceBytes,
  accountRoot,
  bundleBytes,
  codeOf,
  DIGITS,
  frontOf,
  hpkeKey,
  NAME,
  offerBytes,
  offerFront,
  opening,
  possession,
  relayId,
  relayKey,
  seeds,
  storyOf,
} from './story.ts';
import { addSuite2 } from './suite2.ts';
import {
  after,
  type Bytes,
  codeText,
  ed25519Public,
  ed25519Sign,
  hex,
  join,
  macOf,
  sealReverse,
  seedOf,
  statement,
  utf8,
  x25519Public,
} from './twin.ts';

/** One vector; README.md beside this file says how to read it. */
export interface Vector {
  readonly format: 1;
  readonly rule: string;
  readonly fault: string;
  readonly layer: 'code' | 'cell' | 'message' | 'channel' | 'phone' | 'new-device';
  readonly refuse: string | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

const {
  cell,
  code,
  sender,
  macKey,
  hello,
  t,
  told,
  front,
  answer,
  offer,
  approval,
  acceptance,
  bundle,
  done,
} = storyOf(1);

const vectors = new Map<string, Vector>();

const add = (
  name: string,
  layer: Vector['layer'],
  rule: string,
  fault: string,
  refuse: string | null,
  input: Vector['input'],
  expect: Vector['expect'] = {},
): void => {
  vectors.set(`${layer}-${name}`, { format: 1, rule, fault, layer, refuse, input, expect });
};

const addCodes = (): void => {
  const text = codeText(code);
  const parts = {
    rendezvousId: hex(code.subarray(1, 17)),
    relayId: hex(relayId),
    hash: hex(code.subarray(33)),
  };
  const bad = (name: string, fault: string, wrong: string): void =>
    add(name, 'code', 'LK4', fault, 'LINK_CODE_INVALID', { text: wrong });
  add('valid', 'code', 'LK4', 'none', null, { text }, parts);
  const pasted = `  ${text.slice(0, 40).toLowerCase()}\r\n ${text.slice(40, 80)}\t${text.slice(80)}\n`;
  add('pasted', 'code', 'LK4', 'none: small letters and white space', null, { text: pasted }, parts);
  bad(
    'checksum',
    'one character differs',
    text.replace(/^(SW1-.{30})(.)/, (_, a, b) => a + (b === 'Q' ? 'R' : 'Q')),
  );
  bad('short', 'the last character is missing', text.slice(0, -1));
  bad('long', 'one more character', `${text}A`);
  bad('left-over', 'bits after the last byte are not 0', text.slice(0, -1) + nextLetter(text.at(-1)!));
  bad('version', 'version 2 in the bytes', codeText(join(Uint8Array.of(2), code.subarray(1))));
  bad('prefix', 'the prefix of version 2', text.replace('SW1-', 'SW2-'));
  bad('url', 'a URL that holds the code', `https://link.example/#${text}`);
  bad('alphabet', 'a character that base32 does not have', `${text.slice(0, 60)}0${text.slice(61)}`);
};

const nextLetter = (char: string): string => String.fromCharCode(char.charCodeAt(0) + 1);

const addCells = (): void => {
  const bad = (name: string, fault: string, wrong: Bytes): void =>
    add(name, 'cell', 'LK5', fault, 'LINK_TAMPERED', { code: codeText(code), cell: hex(wrong) });
  const keys = { oneTimeKey: hex(cell.subarray(1, 33)), identityKey: hex(cell.subarray(33)) };
  add('valid', 'cell', 'LK5', 'none', null, { code: codeText(code), cell: hex(cell) }, keys);
  const mallory = x25519Public(seedOf('mallory'));
  bad('one-time-key', 'another one-time key', join(cell.subarray(0, 1), mallory, cell.subarray(33)));
  bad('identity', 'another identity key', join(cell.subarray(0, 33), ed25519Public(seedOf('mallory'))));
  bad('suite', 'another suite than the code vouches for', join(Uint8Array.of(2), cell.subarray(1)));
  bad('longer', 'a byte more', join(cell, Uint8Array.of(0)));
  const later = join(Uint8Array.of(3), seedOf('a longer key'), seedOf('its rest'), cell.subarray(33));
  const input = { code: codeText(codeOf(later)), cell: hex(later) };
  add('later-suite', 'cell', 'LK5', 'an honest cell of a suite to come', 'UNSUPPORTED_VERSION', input);
};

const addMessages = (): void => {
  const names = { hello, answer, offer, acceptance, bundle, done, abort: Uint8Array.of(7, 3) };
  for (const [type, plaintext] of Object.entries(names)) {
    add(type, 'message', 'LK11', 'none', null, { plaintext: hex(plaintext) }, { type });
  }
  const bad = (name: string, rule: string, fault: string, wrong: Bytes, refuse = 'MALFORMED'): void =>
    add(name, 'message', rule, fault, refuse, { plaintext: hex(wrong) });
  const tail = join(possession(told), macOf(macKey, DIGITS, told));
  bad('empty', 'LK11', 'no bytes', new Uint8Array(0));
  bad('type', 'LK11', 'a type that does not exist', Uint8Array.of(8));
  bad('trailing', 'LK11', 'a byte behind the message', join(done, Uint8Array.of(0)));
  bad('padded-length', 'LK11', 'a length in two bytes where one is enough', Uint8Array.of(5, 0x81, 0, 9));
  bad('platform', 'LK11', 'a platform that does not exist', join(frontOf(utf8(NAME), 4), tail));
  bad('reason', 'LK11', 'a reason that does not exist', Uint8Array.of(7, 0));
  bad('name-blank', 'LK12', 'a name of spaces', join(frontOf(utf8('  ')), tail));
  bad('name-bidi', 'LK12', 'a name that is shown backwards', join(frontOf(utf8('a\u202eb')), tail));
  bad('name-utf8', 'LK12', 'a name that is not UTF-8', join(frontOf(Uint8Array.of(0xc3, 0x28)), tail));
  bad('name-long', 'LK12', 'a name of 101 characters', join(frontOf(utf8('x'.repeat(101))), tail));
  bad('acceptance-size', 'LK13', 'an acceptance of 1,025 bytes', Uint8Array.of(4, 0x81, 0x08), 'TOO_LARGE');
  bad('bundle-size', 'LK13', 'a bundle of 61,441 bytes', Uint8Array.of(5, 0x81, 0xe0, 0x03), 'TOO_LARGE');
};

const addChannel = (): void => {
  const first = join(sender.enc, sender.seal(0, hello, t[0]!));
  const base = { oneTimeSeed: hex(seeds.oneTime), code: hex(code), cell: hex(cell) };
  const opened = { plaintext: hex(hello), macKey: hex(macKey) };
  const to = (name: string, fault: string, sealed: Bytes, aad = t[0]!, more = {}): void =>
    add(
      name,
      'channel',
      fault === 'none' ? 'LK6' : 'LK8',
      fault,
      fault === 'none' ? null : 'LINK_TAMPERED',
      {
        ...base,
        ...more,
        direction: 'to the new device',
        sealed: hex(sealed),
        aad: hex(aad),
      },
      fault === 'none' ? opened : {},
    );
  const changed = Buffer.from(first);
  changed[40]! ^= 1;
  to('forward', 'none', first);
  to('forward-changed', 'one bit differs', changed);
  to('forward-transcript', 'sealed under another transcript', join(sender.enc, sender.seal(0, hello, t[1]!)));
  to('forward-gap', 'the message before it never came', join(sender.enc, sender.seal(1, hello, t[0]!)));
  to('forward-other-code', 'sealed for another code', first, t[0]!, {
    code: hex(join(code.subarray(0, 1), seedOf('another', 16), code.subarray(17))),
  });
  to(
    'forward-low-order',
    'the encapsulated key is of low order',
    join(new Uint8Array(32), first.subarray(32)),
  );
  const reverseKey = sender.exported('sealwire/v1/link-reverse');
  const from = (name: string, fault: string, sealed: Bytes): void =>
    add(
      name,
      'channel',
      fault === 'none' ? 'LK7' : 'LK8',
      fault,
      fault === 'none' ? null : 'LINK_TAMPERED',
      {
        ...base,
        direction: 'to the phone',
        ephemeralSeed: hex(seeds.ephemeral),
        sealed: hex(sealed),
        aad: hex(t[1]!),
      },
      fault === 'none' ? { plaintext: hex(answer), macKey: hex(macKey) } : {},
    );
  from('reverse', 'none', sealReverse(reverseKey, 0, answer, t[1]!));
  from('reverse-transcript', 'sealed under another transcript', sealReverse(reverseKey, 0, answer, t[0]!));
  from('reverse-gap', 'the message before it never came', sealReverse(reverseKey, 1, answer, t[1]!));
  from('reverse-reflected', "the phone's own message", first);
};

const addPhone = (): void => {
  const setup = {
    code: codeText(code),
    cell: hex(cell),
    relayId: hex(relayId),
    accountRoot: hex(accountRoot),
    phoneSeed: hex(seeds.phone),
    digits: DIGITS,
    opening: hex(opening),
    macKey: hex(macKey),
  };
  const confirmed = [{ message: hex(answer) }, { confirmed: NAME }, { offer: hex(offerBytes) }];
  const released = [...confirmed, { message: hex(acceptance) }, { bundle: hex(bundleBytes) }];
  const sends = [hello, offer, bundle].map(hex);
  const whole = { ...setup, events: [...released, { message: hex(done) }] };
  add('valid', 'phone', 'LK25', 'none', null, whole, { step: 'done', sends });
  const bad = (name: string, rule: string, fault: string, refuse: string, ...events: object[]): void =>
    add(name, 'phone', rule, fault, refuse, { ...setup, events });
  const answered = (of: Bytes, signature: Bytes, mac: Bytes) => ({ message: hex(join(of, signature, mac)) });
  const mac = macOf(macKey, DIGITS, told);
  add('other-relay', 'phone', 'LK2', 'the code names another relay', 'LINK_OTHER_RELAY', {
    ...setup,
    relayId: hex(seedOf('another relay', 16)),
    events: [],
  });
  bad(
    'digits',
    'LK22',
    'other digits were typed',
    'LINK_WRONG_DIGITS',
    answered(front, possession(told), macOf(macKey, '042732', told)),
  );
  bad(
    'mac-key',
    'LK22',
    'the MAC is under another key',
    'LINK_WRONG_DIGITS',
    answered(front, possession(told), macOf(seedOf('another key'), DIGITS, told)),
  );
  bad(
    'mac-transcript',
    'LK22',
    'the MAC is over the transcript of another link',
    'LINK_WRONG_DIGITS',
    answered(front, possession(told), macOf(macKey, DIGITS, statement(seedOf('another'), front))),
  );
  bad(
    'possession-key',
    'LK21',
    'another key signed the possession',
    'LINK_TAMPERED',
    answered(front, possession(told, seedOf('mallory')), mac),
  );
  bad(
    'possession-transcript',
    'LK21',
    'the possession is of another link',
    'LINK_TAMPERED',
    answered(front, possession(statement(seedOf('another'), front)), mac),
  );
  const swapped = frontOf(utf8(NAME), 1, x25519Public(seedOf('mallory')));
  bad(
    'possession-keys',
    'LK21',
    'another HPKE key than the possession names',
    'LINK_TAMPERED',
    answered(swapped, possession(told), macOf(macKey, DIGITS, statement(t[1]!, swapped))),
  );
  bad(
    'acceptance-early',
    'LK23',
    'an acceptance before the person agreed',
    'LINK_TAMPERED',
    { message: hex(answer) },
    { message: hex(acceptance) },
  );
  bad(
    'crossed',
    'LK9',
    'a message that is no abort under an older transcript',
    'LINK_TAMPERED',
    ...confirmed,
    { message: hex(acceptance), crossed: true },
  );
  bad(
    'crossed-abort',
    'LK9',
    'the new device cancels while the offer is on its way',
    'LINK_CANCELLED',
    ...confirmed,
    { message: '0703', crossed: true },
  );
};

const addNewDevice = (): void => {
  const setup = {
    code: codeText(code),
    oneTimeKey: hex(x25519Public(seeds.oneTime)),
    identitySeed: hex(seeds.identity),
    relayKey: hex(relayKey),
    hpkeKey: hex(hpkeKey),
    deviceName: NAME,
    platform: 'web',
    macKey: hex(macKey),
  };
  const typed = [{ message: hex(hello) }, { typed: DIGITS }];
  const accepted = [...typed, { message: hex(offer) }, { acceptance: hex(acceptanceBytes) }];
  const whole = { ...setup, events: [...accepted, { message: hex(bundle) }, { stored: true }] };
  const sends = [answer, acceptance, done].map(hex);
  add('valid', 'new-device', 'LK33', 'none', null, whole, { step: 'done', sends });
  const bad = (name: string, rule: string, fault: string, ...events: object[]): void =>
    add(name, 'new-device', rule, fault, 'LINK_TAMPERED', { ...setup, events });
  const offered = (of: Bytes, signature: Bytes) => ({ message: hex(join(of, signature)) });
  const reopened = offerFront(seedOf('another opening'));
  bad(
    'opening',
    'LK30',
    'the opening does not open the commitment',
    ...typed,
    offered(reopened, approval(reopened)),
  );
  const other = { typed: '999999' };
  const otherAnswer = after(t[1]!, join(front, possession(told), macOf(macKey, other.typed, told)));
  const otherApproval = ed25519Sign(
    seeds.phone,
    utf8('sealwire/v1/link-approval'),
    statement(otherAnswer, offerFront()),
  );
  bad(
    'digits',
    'LK30',
    'the phone committed to other digits than were typed',
    typed[0]!,
    other,
    offered(offerFront(), otherApproval),
  );
  bad(
    'approval-key',
    'LK31',
    'another key approved',
    ...typed,
    offered(offerFront(), approval(offerFront(), seedOf('mallory'))),
  );
  bad(
    'approval-offer',
    'LK31',
    'the approval is of another offer',
    ...typed,
    offered(offerFront(opening, utf8('another log')), approval(offerFront())),
  );
  bad('bundle-early', 'LK8', 'a bundle in place of the offer', ...typed, { message: hex(bundle) });
  bad('hello-twice', 'LK8', 'the first message again', { message: hex(hello) }, { message: hex(hello) });
};

/** All vectors by name. */
export const linkVectors = (): ReadonlyMap<string, Vector> => {
  if (vectors.size === 0) {
    for (const fill of [addCodes, addCells, addMessages, addChannel, addPhone, addNewDevice]) fill();
    addSuite2(add);
  }
  return vectors;
};

/** A vector as its file holds it. */
export const vectorText = (vector: Vector): string => `${JSON.stringify(vector, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, vector] of linkVectors()) {
    writeFileSync(new URL(`./${name}.json`, import.meta.url), vectorText(vector));
  }
}
