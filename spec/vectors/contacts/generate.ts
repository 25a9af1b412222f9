// Makes the vectors of cards and inbox messages, one fault a file, from spec/contacts.md. Run it to write them again:
// node --import tsx spec/vectors/contacts/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import {
  type Bytes,
  base32,
  ed25519Public,
  ed25519Sign,
  hex,
  hpkeSender,
  join,
  seedOf,
  sha256,
  sized,
  utf8,
  x25519Public,
} from '../link/twin.ts';

const { vectors, layer } = collect();

const NONE = new Uint8Array(0);
const NOW = 1_700_000_000_000;
const DAY = 24 * 3_600_000;

// A person as their device log has them: a phone, and a tablet that was linked and perhaps revoked.
const personOf = (name: string) => {
  const deviceOf = (which: string) => {
    const seed = seedOf(`${name}, ${which}, identity`);
    const relay = ed25519Public(seedOf(`${name}, ${which}, relay`));
    const keys = join(ed25519Public(seed), relay, x25519Public(seedOf(`${name}, ${which}, HPKE`)));
    return { seed, keys, id: sha256(utf8('sealwire/v1/device-id'), ed25519Public(seed)).subarray(0, 16) };
  };
  const phone = deviceOf('phone');
  const tablet = deviceOf('tablet');
  const hashOf = (unsigned: Bytes) => sha256(utf8('sealwire/v1/log-entry'), unsigned);
  const signed = (unsigned: Bytes, ...by: readonly { readonly seed: Bytes }[]): Bytes =>
    join(
      unsigned,
      ...by.map(({ seed }) => ed25519Sign(seed, utf8('sealwire/v1/log-signature'), hashOf(unsigned))),
    );
  const accountSeed = seedOf(`${name}, account key`);
  const accountKey = x25519Public(accountSeed);
  const principal = sha256(utf8(`principal of ${name}`));
  const genesis = join(
    Uint8Array.of(1, 1),
    seedOf(`${name}, nonce`, 16),
    phone.keys,
    accountKey,
    principal,
    varuint(NOW - 100 * DAY),
  );
  const root = hashOf(genesis);
  const following = (type: number, parent: Bytes, ...rest: readonly Bytes[]): Bytes =>
    join(Uint8Array.of(type, 1), root, varuint(1), parent, phone.id, ...rest, varuint(NOW - 99 * DAY));
  const add = following(2, root, tablet.keys, byte(0));
  const revoke = following(5, hashOf(add), tablet.id);
  return {
    phone,
    tablet,
    accountSeed,
    accountKey,
    principal,
    root,
    signed,
    log: [signed(genesis, phone), signed(add, phone, tablet)],
    add,
    revoked: signed(revoke, phone),
  };
};

const ada = personOf('Ada');
const bea = personOf('Bea');
const token = seedOf('token', 16);
const relayId = seedOf('relay', 16);
const RELAY = 'wss://relay.example';

interface CardParts {
  readonly front?: Bytes;
  readonly key?: Bytes;
  readonly relay?: string;
  readonly name?: Bytes;
}

const cardOf = ({
  front = Uint8Array.of(1, 1),
  key = ada.accountKey,
  relay = RELAY,
  name = utf8('Ada'),
}: CardParts = {}) =>
  join(front, ada.root, ada.principal, key, token, relayId, sized(utf8(relay)), sized(name));
const textOf = (card: Bytes): string => `SWC1-${base32(join(card, sha256(card).subarray(0, 4)))}`;

const addCards = ({ good, bad }: Layer): void => {
  const text = textOf(cardOf());
  const fields = {
    account: hex(ada.root),
    principal: hex(ada.principal),
    accountKey: hex(ada.accountKey),
    token: hex(token),
    relayId: hex(relayId),
    relay: RELAY,
    name: 'Ada',
  };
  good('valid', 'CT1', { text }, fields);
  good(
    'pasted',
    'CT1',
    { text: ` ${text.slice(0, 90).toLowerCase()}\r\n${text.slice(90)}\n` },
    fields,
    'small letters and white space',
  );
  good('link', 'CT1', { text: `https://sealwire.example/add?from=mail#${text}` }, fields, 'a link');
  good(
    'no-relay',
    'CT2',
    { text: textOf(cardOf({ relay: '' })) },
    { ...fields, relay: '' },
    'no relay address',
  );
  const name = 'Ädä 🦊';
  good(
    'name',
    'CT2',
    { text: textOf(cardOf({ name: utf8(name) })) },
    { ...fields, name },
    'a name beyond ASCII',
  );
  const refused = (what: string, rule: string, fault: string, wrong: string): void =>
    bad(what, rule, fault, 'CARD_INVALID', { text: wrong });
  refused(
    'checksum',
    'CT1',
    'one character differs',
    text.replace(/^(.{40})(.)/, (_, a, b) => a + (b === 'Q' ? 'R' : 'Q')),
  );
  refused('short', 'CT1', 'the last character is missing', text.slice(0, -1));
  refused(
    'query',
    'CT1',
    'a link that shows the card to the server',
    `https://sealwire.example/?card=${text}`,
  );
  refused('prefix', 'CT1', 'the prefix of a linking code', text.replace('SWC1-', 'SW1-'));
  refused('prefix-later', 'CT1', 'the prefix of version 2', text.replace('SWC1-', 'SWC2-'));
  refused('version', 'CT1', 'version 2 in the bytes', textOf(cardOf({ front: Uint8Array.of(2, 1) })));
  refused('suite', 'CT1', 'suite 9', textOf(cardOf({ front: Uint8Array.of(1, 9) })));
  refused('trailing', 'CT1', 'a byte behind the name', textOf(join(cardOf(), byte(0))));
  refused('cut', 'CT1', 'no name', textOf(cardOf().subarray(0, -4)));
  refused('long', 'CT1', '4,097 characters', text + ' '.repeat(4097 - text.length));
  refused('low-order', 'CT2', 'an account key of low order', textOf(cardOf({ key: new Uint8Array(32) })));
  refused('name-blank', 'CT2', 'a name of spaces', textOf(cardOf({ name: utf8('   ') })));
  refused('name-bidi', 'CT2', 'a name that is shown backwards', textOf(cardOf({ name: utf8('a\u202eb') })));
  refused(
    'relay-http',
    'CT2',
    'an address that is no WebSocket',
    textOf(cardOf({ relay: 'https://relay.example' })),
  );
};

// Contents: Bea asks Ada.
const id = seedOf('message', 16);
const list = (items: readonly Bytes[]): Bytes => join(varuint(items.length), ...items.map(sized));
interface Parts {
  readonly type?: number;
  readonly at?: number;
  readonly author?: { readonly seed: Bytes; readonly id: Bytes };
  readonly signer?: { readonly seed: Bytes };
  readonly log?: readonly Bytes[];
  readonly name?: string;
  readonly fields?: Bytes;
  readonly recipient?: Bytes;
}
const contentOf = (parts: Parts = {}): Bytes => {
  const { type = 1, at = NOW - DAY, author = bea.phone, log = bea.log, name = 'Bea' } = parts;
  const { fields = token, recipient = ada.root, signer = author } = parts;
  const address = join(seedOf('reply token', 16), relayId, sized(utf8(RELAY)), sized(utf8(name)));
  const signed = join(byte(type), id, varuint(at), author.id, list(log), address, fields);
  const statement = join(utf8('sealwire/v1/contact-message'), recipient, sha256(signed));
  return join(signed, ed25519Sign(signer.seed, statement));
};

const chatGenesis = join(Uint8Array.of(3, 1), seedOf('chat nonce', 16), bea.root, bea.phone.id, varuint(NOW));
const chatId = sha256(utf8('sealwire/v1/log-entry'), chatGenesis);
const inviteOf = (chat = chatId, title = 'Summer'): Bytes =>
  join(chat, seedOf('room secret'), sized(utf8(title)), list([bea.signed(chatGenesis, bea.phone)]));

const addContents = ({ good, bad }: Layer): void => {
  const read = (content: Bytes): Vector['input'] => ({
    content: hex(content),
    recipient: hex(ada.root),
    now: NOW,
  });
  const told = { id: hex(id), root: hex(bea.root), device: hex(bea.phone.id), name: 'Bea' };
  good('request', 'CT5', read(contentOf()), { type: 'request', ...told });
  good('accept', 'CT5', read(contentOf({ type: 2, fields: seedOf('request', 16) })), {
    type: 'accept',
    ...told,
  });
  good('invite', 'CT11', read(contentOf({ type: 3, fields: inviteOf() })), { type: 'invite', ...told });
  good(
    'tablet',
    'CT7',
    read(contentOf({ author: bea.tablet })),
    { type: 'request', ...told, device: hex(bea.tablet.id) },
    'signed by a device that was linked',
  );
  const refused = (what: string, rule: string, fault: string, parts: Parts): void =>
    bad(what, rule, fault, 'INBOX_MESSAGE_REFUSED', read(contentOf(parts)));
  refused('type-zero', 'CT5', 'type 0', { type: 0 });
  bad('type-later', 'CT5', 'a type of a later version', 'UNSUPPORTED_VERSION', read(contentOf({ type: 4 })));
  bad(
    'trailing',
    'CT5',
    'a byte behind the signature',
    'INBOX_MESSAGE_REFUSED',
    read(join(contentOf(), byte(0))),
  );
  refused('cut', 'CT5', 'no token of a card', { fields: NONE });
  refused('name', 'CT2', 'a name of spaces', { name: '  ' });
  refused('log-none', 'CT6', 'an empty log', { log: [] });
  refused('log-headless', 'CT6', 'a log without its genesis', { log: bea.log.slice(1) });
  refused('log-twice', 'CT6', 'an entry twice', { log: [...bea.log, bea.log[1]!] });
  refused('log-signature', 'CT6', 'an addition that the new device did not sign', {
    log: [bea.log[0]!, bea.signed(bea.add, bea.phone, bea.phone)],
  });
  refused('log-foreign', 'CT6', "an entry of another account's log", { log: [...bea.log, ada.log[1]!] });
  refused('log-chat', 'CT6', 'an entry that is of no device log', {
    log: [...bea.log, bea.signed(chatGenesis, bea.phone)],
  });
  refused('author', 'CT7', "a device that is not in the sender's log", { author: ada.phone });
  refused('revoked', 'CT7', 'a device that was revoked', {
    author: bea.tablet,
    log: [...bea.log, bea.revoked],
  });
  refused('signature', 'CT7', "another device's signature", { signer: bea.tablet });
  refused('recipient', 'CT7', 'signed for somebody else', { recipient: bea.root });
  refused('self', 'CT8', "the recipient's own account", { author: ada.phone, log: ada.log });
  refused('chat', 'CT11', 'another chat than its log opens', {
    type: 3,
    fields: inviteOf(seedOf('another chat')),
  });
  refused('chat-log', 'CT11', 'a chat log that begins with a device', {
    type: 3,
    fields: join(chatId, seedOf('room secret'), sized(utf8('Summer')), list([bea.log[0]!])),
  });
  refused('old', 'CT12', 'older than 90 days', { at: NOW - 90 * DAY - 1 });
};

const sealOf = (
  content: Bytes,
  size = 4096,
  front = Uint8Array.of(1, 1),
  aad = front,
  info = 'contact-seal',
): Bytes => {
  const padded = join(content, byte(0x80), new Uint8Array(size - 50 - content.length - 1));
  return sealRaw(padded, front, aad, info);
};
const sealRaw = (padded: Bytes, front = Uint8Array.of(1, 1), aad = front, info = 'contact-seal'): Bytes => {
  const sender = hpkeSender(ada.accountKey, utf8(`sealwire/v1/${info}`), seedOf('encapsulation'));
  return join(front, sender.enc, sender.seal(0, padded, aad));
};

const addMessages = ({ good, bad }: Layer): void => {
  const other = seedOf('an older account key');
  const read = (sealed: Bytes, seeds: readonly Bytes[] = [ada.accountSeed]): Vector['input'] => ({
    sealed: hex(sealed),
    seeds: seeds.map(hex),
  });
  const content = contentOf();
  const long = join(content, new Uint8Array(4046 - content.length).fill(1));
  const expect = { content: hex(content) };
  good('small', 'CT4', read(sealOf(content)), expect);
  good(
    'older-key',
    'CT4',
    read(sealOf(content), [other, ada.accountSeed]),
    expect,
    'opened by the second key',
  );
  good('middle', 'CT4', read(sealOf(long, 8192)), { content: hex(long) }, 'one byte too long for 4 KiB');
  const closed = (what: string, fault: string, sealed: Bytes, seeds?: readonly Bytes[]): void =>
    good(what, 'CT5', read(sealed, seeds), { content: null }, fault);
  const changed = Buffer.from(sealOf(content));
  changed[2000]! ^= 1;
  closed('changed', 'one bit differs: no key opens it', changed);
  closed('other-key', 'sealed to a key that is not here', sealOf(content), [other]);
  closed('info', 'sealed for another use', sealOf(content, 4096, undefined, undefined, 'epoch-key'));
  closed('header', 'sealed without its first bytes', sealOf(content, 4096, Uint8Array.of(1, 1), NONE));
  const refused = (what: string, fault: string, sealed: Bytes, code = 'INBOX_MESSAGE_REFUSED'): void =>
    bad(what, 'CT4', fault, code, read(sealed));
  refused('size', 'a size of its own', sealOf(content, 5000));
  refused('empty', 'no bytes', NONE);
  refused('larger', '8 KiB for what fits 4', sealOf(content, 8192));
  refused('zeros', 'no end in the padding', sealRaw(new Uint8Array(4046)));
  refused(
    'padding',
    'another byte than zero in the padding',
    sealRaw(join(content, byte(0x80), new Uint8Array(4046 - content.length - 2), byte(1))),
  );
  refused('version', 'version 2', sealOf(content, 4096, Uint8Array.of(2, 1)), 'UNSUPPORTED_VERSION');
  refused('suite', 'suite 9', sealOf(content, 4096, Uint8Array.of(1, 9)), 'UNSUPPORTED_VERSION');
};

addCards(layer('card'));
addContents(layer('content'));
addMessages(layer('message'));

/** All vectors by name. */
export const contactsVectors: ReadonlyMap<string, Vector> = vectors;

writeIfMain(import.meta.url, vectors);
