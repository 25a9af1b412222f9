// Cards and inbox messages: what comes back as it was put in, and what hostile bytes come to. Rules: spec/contacts.md
// §1 and §2.
import { fromHex, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cardLink, encodeCard, parseCard } from '../src/contacts/card.ts';
import {
  decodeContent,
  encodeContent,
  logForMessage,
  MESSAGE_LOG_BYTES,
  sizeOf,
} from '../src/contacts/content.ts';
import { openMessage, readLog, sealMessage, verifyContent } from '../src/contacts/messages.ts';
import { addToDeviceLog, isActive, revocationsOf } from '../src/identity/device-log.ts';
import { isName, printableName } from '../src/names.ts';
import { cardOf, contentBytes, messageOf, NOW, person } from './contacts-kit.ts';
import { addOf, codeOf, idOf, keyOf, revokeOf } from './device-log-kit.ts';
import { seeded, testDevice } from './support.ts';

const test = suite('contacts');

const rangeError = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    assert.instance(error, RangeError);
    return;
  }
  assert.unreachable('nothing was thrown');
};

test('[CT1] a card comes back from its text, from a link to it, and from what people make of both', async () => {
  const random = seeded(1);
  const card = cardOf(await person(random, 'Ada Lovelace'), random);
  const text = encodeCard(card);
  assert.match(text, /^SWC1-[A-Z2-7]+$/);
  for (const form of [text, text.toLowerCase(), ` ${text.replace(/.{30}/g, '$&\n')}`]) {
    assert.equal(parseCard(form), card);
    assert.equal(parseCard(cardLink('https://sealwire.example/add', form.replace(/\s/g, ''))), card);
  }
  assert.equal(parseCard(`\n https://sealwire.example/#${text}\n`), card);
  rangeError(() => cardLink('https://sealwire.example/#here', text));
  rangeError(() => cardLink('javascript:alert(1)', text));
});

test('[CT1] any one character changed is noticed, at every place, and so is every text cut short', async () => {
  const random = seeded(2);
  const text = encodeCard(cardOf(await person(random, 'Ada'), random));
  for (let i = 0; i < text.length; i++) {
    const other = text[i] === 'A' ? 'B' : 'A';
    assert.is(
      await codeOf(() => parseCard(text.slice(0, i) + other + text.slice(i + 1))),
      'CARD_INVALID',
      `${i}`,
    );
    assert.is(await codeOf(() => parseCard(text.slice(0, i))), 'CARD_INVALID', `first ${i}`);
  }
});

test('[CT1] a card stands nowhere in an address but in the fragment of an http link', async () => {
  const random = seeded(3);
  const text = encodeCard(cardOf(await person(random, 'Ada'), random));
  for (const link of [
    `https://sealwire.example/${text}`,
    `https://sealwire.example/?card=${text}`,
    `ftp://sealwire.example/#${text}`,
    `see#${text}`,
    `https://sealwire.example/#a#${text}`,
  ])
    assert.is(await codeOf(() => parseCard(link)), 'CARD_INVALID', link);
});

test('[CT2] what no reader would take, no writer writes', async () => {
  const random = seeded(4);
  const card = cardOf(await person(random, 'Ada'), random);
  for (const wrong of [
    { name: ' ' },
    { name: 'x'.repeat(101) },
    { name: 'a\u202eb' },
    { relay: 'https://relay.example' },
    { relay: `wss://${'x'.repeat(200)}` },
    { token: new Uint8Array(15) },
    { relayId: new Uint8Array(17) },
    { account: new Uint8Array(31) },
    { accountKey: new Uint8Array(32) },
  ])
    rangeError(() => encodeCard({ ...card, ...wrong }));
});

test('[CT2] a name of any kind is made printable before it goes out', () => {
  assert.is(printableName('Ada', 'x'), 'Ada');
  assert.is(printableName('\u202eAda\u0007', 'x'), 'Ada');
  assert.is(printableName('\u200f \n', 'Somebody'), 'Somebody');
  const random = seeded(5);
  for (let run = 0; run < 500; run++) {
    const units = Array.from({ length: random.int(160) }, () => random.int(0xffff));
    assert.ok(isName(printableName(String.fromCharCode(...units), 'Somebody')));
  }
});

test('[CT1, CT2] 5,000 seeded texts give a card or CARD_INVALID, and a card only for its own text', async () => {
  const random = seeded(6);
  const text = encodeCard(cardOf(await person(random, 'Ada'), random));
  let accepted = 0;
  for (let run = 0; run < 5_000; run++) {
    const at = random.int(text.length);
    const hostile = random.pick([
      () => text,
      () => `${text.slice(0, at).toLowerCase()} ${text.slice(at)}`,
      () => text.slice(0, at) + random.pick(['A', '7', '1', '#', '-']) + text.slice(at + 1),
      () => `https://x.example/#${text.slice(random.int(3))}`,
      () => String.fromCharCode(...random.bytes(random.int(400))),
      () => `SWC1-${Array.from({ length: 250 }, () => random.pick(['A', 'Q', '2', 'X'])).join('')}`,
    ])();
    try {
      assert.is(encodeCard(parseCard(hostile)), text);
      accepted++;
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      assert.is(error.code, 'CARD_INVALID');
    }
  }
  assert.ok(accepted > 500 && accepted < 4_000, `${accepted} accepted`);
});

test('[CT4] a sealed message has one of three sizes, opens for its account key alone, and comes back whole', async () => {
  const random = seeded(7);
  const [ada, bea] = [await person(random, 'Ada'), await person(random, 'Bea')];
  for (const [length, size] of [
    [1, 4096],
    [4045, 4096],
    [4046, 8192],
    [8141, 8192],
    [8142, 16_384],
    [16_333, 16_384],
  ] as const) {
    const content = random.bytes(length);
    content[length - 1] = 0;
    const sealed = await sealMessage(content, ada.accountKey.publicKey);
    assert.is(sealed.length, size);
    assert.equal(await openMessage(sealed, [bea.accountKey, ada.accountKey]), content);
    assert.is(await openMessage(sealed, [bea.accountKey]), undefined);
    assert.is(await openMessage(sealed, []), undefined);
  }
  assert.instance(
    await sealMessage(random.bytes(16_334), ada.accountKey.publicKey).catch((error: unknown) => error),
    RangeError,
  );
});

test('[CT5] contents of all types come back as they were put in', async () => {
  const random = seeded(8);
  const [ada, bea] = [await person(random, 'Ada', 3), await person(random, 'Bea')];
  const genesis = fromHex('0301');
  const fields = [
    { type: 'request', card: random.bytes(16) },
    { type: 'accept', request: random.bytes(16) },
    {
      type: 'invite',
      chat: random.bytes(32),
      secret: random.bytes(32),
      title: 'Ünïcode',
      entries: [genesis],
    },
  ] as const;
  for (const of of fields) {
    const bytes = contentBytes(ada, bea, random, of);
    const read = decodeContent(bytes);
    assert.is(read.type, of.type);
    assert.equal({ ...read, ...of }, read);
    assert.equal(toHex(encodeContent(read, () => read.signature)), toHex(bytes));
  }
});

test('[CT5] 3,000 seeded contents, changed or cut, decode to themselves or are refused with a code', async () => {
  const random = seeded(9);
  const [ada, bea] = [await person(random, 'Ada'), await person(random, 'Bea')];
  const whole = contentBytes(ada, bea, random, { type: 'request', card: random.bytes(16) });
  let refused = 0;
  for (let run = 0; run < 3_000; run++) {
    const bytes =
      random.next() < 0.3 ? random.bytes(random.int(400)) : whole.slice(0, whole.length - random.int(3));
    for (let i = random.int(3); i > 0 && bytes.length > 0; i--)
      bytes[random.int(bytes.length)] = random.int(256);
    try {
      const read = decodeContent(bytes);
      assert.equal(toHex(encodeContent(read, () => read.signature)), toHex(bytes));
    } catch (error) {
      assert.ok(error instanceof SealwireError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 500 && refused < 2_999, `${refused} refused`);
});

test('[CT5, CT7] no byte of a signed content can be changed', async () => {
  const random = seeded(10);
  const [ada, bea] = [await person(random, 'Ada'), await person(random, 'Bea')];
  const whole = contentBytes(ada, bea, random, { type: 'request', card: random.bytes(16) });
  await verifyContent(whole, bea.log.root, NOW);
  for (let i = 0; i < whole.length; i += 3) {
    const changed = whole.slice();
    changed[i]! ^= 1 << random.int(8);
    const code = await codeOf(() => verifyContent(changed, bea.log.root, NOW));
    assert.ok(code === 'INBOX_MESSAGE_REFUSED' || code === 'UNSUPPORTED_VERSION', `byte ${i}: ${code}`);
  }
});

test('[CT6] a log that fits goes whole; of a longer one, what proves author, account key and revocations', async () => {
  const random = seeded(11);
  const few = await person(random, 'Ada', 5);
  assert.is(logForMessage(few.log, few.devices[4]!.logged.id).length, 5);

  const many = await person(random, 'Bea', 12);
  let { log } = many;
  const [phone, ...rest] = many.devices;
  log = await addToDeviceLog(log, revokeOf(log, phone!, rest[0]!));
  log = await addToDeviceLog(
    log,
    keyOf(log, phone!, random, { accountKey: (await person(random, 'x')).accountKey.publicKey }),
  );
  const added: ReturnType<typeof testDevice>[] = [];
  while (
    sizeOf(
      log.entries.map(({ unsigned, signatures }) => new Uint8Array(unsigned.length + 64 * signatures.length)),
    ) <= MESSAGE_LOG_BYTES
  ) {
    const device = testDevice(random, log.root);
    log = await addToDeviceLog(log, addOf(log, phone!, device));
    added.push(device);
  }
  const part = logForMessage(log, rest[3]!.logged.id);
  assert.ok(sizeOf(part) <= MESSAGE_LOG_BYTES);
  assert.ok(part.length < log.entries.length);
  const read = await readLog(part);
  assert.equal(read.root, log.root);
  assert.ok(isActive(read, idOf(rest[3]!)));
  assert.equal(read.accountKeys[0], log.accountKeys[0]);
  assert.is(revocationsOf(read).length, 1);
  assert.not(isActive(read, idOf(rest[0]!)));
  // One who was added last follows all of it.
  assert.is(await codeOf(() => logForMessage(log, added.at(-1)!.logged.id)), 'TOO_LARGE');
});

test('[CT7, CT8, CT12] a message is for one account, from another, and not older than 90 days', async () => {
  const random = seeded(12);
  const [ada, bea, eve] = [
    await person(random, 'Ada', 2),
    await person(random, 'Bea'),
    await person(random, 'Eve'),
  ];
  const { bytes, message } = await messageOf(ada, bea, random, { type: 'request', card: random.bytes(16) });
  assert.equal(message.log.root, ada.log.root);
  assert.is(await codeOf(() => verifyContent(bytes, eve.log.root, NOW)), 'INBOX_MESSAGE_REFUSED');
  const day = 24 * 3_600_000;
  assert.is(await codeOf(() => verifyContent(bytes, bea.log.root, NOW + 90 * day)), 'none');
  assert.is(
    await codeOf(() => verifyContent(bytes, bea.log.root, NOW + 90 * day + 1)),
    'INBOX_MESSAGE_REFUSED',
  );
  assert.is(
    await codeOf(() => verifyContent(bytes, bea.log.root, undefined)),
    'none',
    'taken before: age does not matter',
  );
  const own = contentBytes(ada, ada, random, { type: 'request', card: random.bytes(16) });
  assert.is(await codeOf(() => verifyContent(own, ada.log.root, NOW)), 'INBOX_MESSAGE_REFUSED');
});

test.run();
