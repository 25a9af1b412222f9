// The vectors of links of suite 2: the cell, the channel, and that nothing of suite 1 fits. Made by generate.ts.
import type { Vector } from './generate.ts';
import {
  acceptanceBytes,
  accountRoot,
  bundleBytes,
  cellOf,
  codeOf,
  DIGITS,
  frontOf,
  hpkeKey,
  infoOf,
  NAME,
  offerBytes,
  oneTimeKeys,
  opening,
  possession,
  relayId,
  relayKey,
  seeds,
  storyOf,
} from './story.ts';
import {
  after,
  type Bytes,
  codeText,
  ed25519Public,
  hex,
  hpkeSender,
  join,
  macOf,
  sealReverse,
  seedOf,
  startOf,
  statement,
  utf8,
  xWingPublic,
  xWingSender,
} from './twin.ts';

/** Adds one vector. */
export type Add = (
  name: string,
  layer: Vector['layer'],
  rule: string,
  fault: string,
  refuse: string | null,
  input: Vector['input'],
  expect?: Vector['expect'],
) => void;

export const addSuite2 = (add: Add): void => {
  addCells(add);
  addChannel(add);
  addMachines(add);
};

const { cell, code, sender, macKey, hello, t, answer, offer, acceptance, bundle, done } = storyOf(2);
const first = storyOf(1);
const ML_KEM_KEY = 1184;
const ML_KEM_CIPHERTEXT = 1088;
const ENC = 1120;

const flipped = (bytes: Bytes, at: number): Bytes => {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 1;
  return changed;
};

const addCells = (add: Add): void => {
  const keys = { oneTimeKey: hex(oneTimeKeys[2]), identityKey: hex(ed25519Public(seeds.identity)) };
  const honest = { code: codeText(code), cell: hex(cell) };
  add('suite2-valid', 'cell', 'LK5', 'none', null, honest, { suite: 2, ...keys });
  const bad = (name: string, fault: string, wrong: Bytes): void =>
    add(`suite2-${name}`, 'cell', 'LK5', fault, 'LINK_TAMPERED', { code: codeText(code), cell: hex(wrong) });
  bad('ml-kem', 'one bit of the ML-KEM part differs', flipped(cell, 1));
  bad('x25519', 'one bit of the X25519 part differs', flipped(cell, 1 + ML_KEM_KEY));
  bad('mallory', 'another one-time key', cellOf(2, xWingPublic(seedOf('mallory'))));
  bad('downgraded', 'suite 1 and the X25519 part alone', cellOf(1, oneTimeKeys[2].subarray(ML_KEM_KEY)));
  bad('byte', 'the suite byte alone is changed', join(Uint8Array.of(1), cell.subarray(1)));
  const odd = (name: string, fault: string, wrong: Bytes): void =>
    add(`suite2-${name}`, 'cell', 'LK5', fault, 'UNSUPPORTED_VERSION', {
      code: codeText(codeOf(wrong)),
      cell: hex(wrong),
    });
  odd('short', 'an honest cell of suite 2 with a key of suite 1', cellOf(2, oneTimeKeys[1]));
  odd('long', 'an honest cell of suite 1 with a key of suite 2', cellOf(1, oneTimeKeys[2]));
};

const addChannel = (add: Add): void => {
  const base = { oneTimeSeed: hex(seeds.oneTime), code: hex(code), cell: hex(cell) };
  const message = join(sender.enc, sender.seal(0, hello, t[0]!));
  const vector = (name: string, rule: string, fault: string, input: object, plaintext: Bytes): void => {
    const isGood = fault === 'none';
    add(
      `suite2-${name}`,
      'channel',
      isGood ? rule : 'LK8',
      fault,
      isGood ? null : 'LINK_TAMPERED',
      { ...base, ...input },
      isGood ? { plaintext: hex(plaintext), macKey: hex(macKey) } : {},
    );
  };
  const to = (name: string, fault: string, sealed: Bytes, more = {}): void =>
    vector(
      name,
      'LK6',
      fault,
      { direction: 'to the new device', sealed: hex(sealed), aad: hex(t[0]!), ...more },
      hello,
    );
  to('forward', 'none', message);
  to('forward-ml-kem', 'one bit of the ML-KEM ciphertext differs', flipped(message, 0));
  to('forward-x25519', "one bit of the sender's X25519 key differs", flipped(message, ML_KEM_CIPHERTEXT));
  to('forward-changed', 'one bit of the sealed message differs', flipped(message, ENC));
  to('forward-transcript', 'sealed under another transcript', join(sender.enc, sender.seal(0, hello, t[1]!)));
  to('forward-gap', 'the message before it never came', join(sender.enc, sender.seal(1, hello, t[0]!)));
  to('forward-other-code', 'sealed for another code', message, {
    code: hex(join(code.subarray(0, 1), seedOf('another', 16), code.subarray(17))),
  });
  const low = join(message.subarray(0, ML_KEM_CIPHERTEXT), new Uint8Array(32), message.subarray(ENC));
  to('forward-low-order', 'the X25519 part of the encapsulated key is of low order', low);
  const x25519Alone = hpkeSender(oneTimeKeys[2].subarray(ML_KEM_KEY), infoOf(t[0]!), seeds.ephemeral);
  to(
    'forward-suite-1',
    'sealed in suite 1 to the X25519 part alone',
    join(x25519Alone.enc, x25519Alone.seal(0, hello, t[0]!)),
  );
  // What a phone makes that was told the same keys under another suite byte.
  const elsewhere = startOf(code, join(Uint8Array.of(1), cell.subarray(1)));
  const told = xWingSender(oneTimeKeys[2], infoOf(elsewhere), seeds.randomness);
  to('forward-suite-byte', 'bound to another suite byte', join(told.enc, told.seal(0, hello, t[0]!)));
  const reverseKey = sender.exported('sealwire/v1/link-reverse');
  const from = (name: string, fault: string, sealed: Bytes): void =>
    vector(
      name,
      'LK7',
      fault,
      {
        direction: 'to the phone',
        ephemeralSeed: hex(seeds.randomness),
        sealed: hex(sealed),
        aad: hex(t[1]!),
      },
      answer,
    );
  from('reverse', 'none', sealReverse(reverseKey, 0, answer, t[1]!));
  const other = first.sender.exported('sealwire/v1/link-reverse');
  from('reverse-suite-1', 'sealed in the channel of suite 1', sealReverse(other, 0, answer, t[1]!));
};

/** Messages of an account of suite 2: they hold, or ask for, an HPKE key of that. */
const hello9 = join(Uint8Array.of(9), hello.subarray(1));
const hpkeKey2 = xWingPublic(seedOf('HPKE key of suite 2'));
const t9 = after(t[0]!, hello9);
const front10 = join(Uint8Array.of(10), frontOf(utf8(NAME), 1, hpkeKey2).subarray(1));
const told10 = statement(t9, front10);
const answer10 = join(front10, possession(told10), macOf(macKey, DIGITS, told10));
const told2 = statement(t9, frontOf(utf8(NAME)));
const answer2 = join(frontOf(utf8(NAME)), possession(told2), macOf(macKey, DIGITS, told2));

const addAccounts = (add: Add, phone: object, newDevice: object): void => {
  add('suite2-hello', 'message', 'LK11', 'none', null, { plaintext: hex(hello9) }, { type: 'hello' });
  add('suite2-answer', 'message', 'LK11', 'none', null, { plaintext: hex(answer10) }, { type: 'answer' });
  const short = join(Uint8Array.of(10), answer2.subarray(1));
  add('suite2-answer-short', 'message', 'LK11', 'type 10 with a key of suite 1', 'MALFORMED', {
    plaintext: hex(short),
  });
  const account = { ...phone, accountSuite: 2 };
  add(
    'suite2-account',
    'phone',
    'LK15',
    'none',
    null,
    { ...account, events: [{ message: hex(answer10) }] },
    { step: 'confirm', sends: [hex(hello9)] },
  );
  add('suite2-account-answer', 'phone', 'LK15', 'an HPKE key of suite 1', 'LINK_TAMPERED', {
    ...account,
    events: [{ message: hex(answer2) }],
  });
  add('suite2-account-code', 'phone', 'LK15', 'a code of suite 1', 'UNSUPPORTED_VERSION', {
    ...account,
    code: codeText(first.code),
    cell: hex(first.cell),
    events: [],
  });
  const joining = { ...newDevice, hpkeKey2: hex(hpkeKey2) };
  const events = [{ message: hex(hello9) }, { typed: DIGITS }];
  const sends = [hex(answer10)];
  add('suite2-account', 'new-device', 'LK15', 'none', null, { ...joining, events }, { step: 'typed', sends });
  add('suite2-account-channel', 'new-device', 'LK15', 'a channel of suite 1', 'LINK_TAMPERED', {
    ...joining,
    code: codeText(first.code),
    oneTimeKey: hex(oneTimeKeys[1]),
    events: [{ message: hex(hello9) }],
  });
};

const addMachines = (add: Add): void => {
  const phone = {
    code: codeText(code),
    cell: hex(cell),
    relayId: hex(relayId),
    accountRoot: hex(accountRoot),
    phoneSeed: hex(seeds.phone),
    digits: DIGITS,
    opening: hex(opening),
    macKey: hex(macKey),
  };
  const heard = [answer, acceptance, done].map((message) => ({ message: hex(message) }));
  const events = [
    heard[0]!,
    { confirmed: NAME },
    { offer: hex(offerBytes) },
    heard[1]!,
    { bundle: hex(bundleBytes) },
    heard[2]!,
  ];
  const whole = { step: 'done', sends: [hello, offer, bundle].map(hex) };
  add('suite2-valid', 'phone', 'LK25', 'none', null, { ...phone, events }, whole);
  add('suite2-answer', 'phone', 'LK10', 'an answer over the transcript of suite 1', 'LINK_TAMPERED', {
    ...phone,
    events: [{ message: hex(first.answer) }],
  });
  const newDevice = {
    code: codeText(code),
    oneTimeKey: hex(oneTimeKeys[2]),
    identitySeed: hex(seeds.identity),
    relayKey: hex(relayKey),
    hpkeKey: hex(hpkeKey),
    deviceName: NAME,
    platform: 'web',
    macKey: hex(macKey),
  };
  const typed = [{ message: hex(hello) }, { typed: DIGITS }];
  const steps = [
    ...typed,
    { message: hex(offer) },
    { acceptance: hex(acceptanceBytes) },
    { message: hex(bundle) },
    { stored: true },
  ];
  const sends = [answer, acceptance, done].map(hex);
  add(
    'suite2-valid',
    'new-device',
    'LK33',
    'none',
    null,
    { ...newDevice, events: steps },
    { step: 'done', sends },
  );
  add('suite2-offer', 'new-device', 'LK10', 'an offer over the transcript of suite 1', 'LINK_TAMPERED', {
    ...newDevice,
    events: [...typed, { message: hex(first.offer) }],
  });
  addAccounts(add, phone, newDevice);
};
