// Makes the vectors of log entries, device logs, epochs and ids, one fault a file, from spec/device-log.md,
// spec/epochs.md and spec/keys.md. Run it to write them again: node --import tsx spec/vectors/device-log/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import {
  type Bytes,
  ed25519Public,
  ed25519Sign,
  hex,
  hpkeSender,
  join,
  seedOf,
  sha256,
  utf8,
  x25519Public,
} from '../link/twin.ts';
import { addSuite2 } from './suite2.ts';

const { vectors, layer } = collect();

const NONE = new Uint8Array(0);

interface Person {
  readonly seed: Bytes;
  readonly id: Bytes;
  /** Identity, relay key and HPKE key, as entries hold them. */
  readonly keys: Bytes;
}

const person = (name: string): Person => {
  const seed = seedOf(`${name}, identity`);
  const identity = ed25519Public(seed);
  const relay = ed25519Public(seedOf(`${name}, relay`));
  const id = sha256(utf8('sealwire/v1/device-id'), identity).subarray(0, 16);
  return { seed, id, keys: join(identity, relay, x25519Public(seedOf(`${name}, HPKE`))) };
};

const phone = person('phone');
const laptop = person('laptop');
const tablet = person('tablet');
const mallory = person('mallory');
const accountSeed = seedOf('account key');
const accountKey = x25519Public(accountSeed);
const AT = 1_700_000_000_000;

const list = (items: readonly Bytes[]): Bytes => join(varuint(items.length), ...items);
const hashOf = (unsigned: Bytes): Bytes => sha256(utf8('sealwire/v1/log-entry'), unsigned);

/** An entry with the signatures of these, in this order. */
const signed = (unsigned: Bytes, ...signers: readonly Person[]): Bytes =>
  join(
    unsigned,
    ...signers.map(({ seed }) => ed25519Sign(seed, utf8('sealwire/v1/log-signature'), hashOf(unsigned))),
  );

const genesisOf = (device: Person): Bytes =>
  join(
    Uint8Array.of(1, 1),
    seedOf('genesis nonce', 16),
    device.keys,
    accountKey,
    sha256(utf8('sealwire/v1/principal-id'), ed25519Public(seedOf('manage key'))),
    varuint(AT),
  );

const genesis = genesisOf(phone);
const root = hashOf(genesis);

interface AddParts {
  readonly account?: Bytes;
  readonly parents?: readonly Bytes[];
  readonly author?: Person;
  readonly rights?: number;
}

const addOf = (device: Person, parts: AddParts = {}): Bytes => {
  const { account = root, parents = [root], author = phone, rights = 0 } = parts;
  return join(
    Uint8Array.of(2, 1),
    account,
    list(parents),
    author.id,
    device.keys,
    byte(rights),
    varuint(AT + 1),
  );
};

const chat = join(Uint8Array.of(3, 1), seedOf('chat nonce', 16), root, phone.id, varuint(AT));

const revocation = join(Uint8Array.of(5, 1), root, list([root]), phone.id, laptop.id, varuint(AT + 2));
const wrap = (device: Person): Bytes =>
  join(device.id, seedOf('wrapped 1'), seedOf('wrapped 2'), seedOf('wrapped 3', 16));
const newKey = join(
  Uint8Array.of(6, 1),
  root,
  list([hashOf(revocation)]),
  phone.id,
  x25519Public(seedOf('the next account key')),
  list([wrap(phone)]),
);
const cut = join(
  Uint8Array.of(7, 1),
  root,
  hashOf(revocation),
  phone.id,
  laptop.id,
  list([hashOf(revocation), root]),
  list([
    join(byte(6), utf8('page-0'), varuint(2 ** 52 + 12_345), varuint(300), seedOf('cumulative hash')),
    join(byte(7), utf8('control'), varuint(7), varuint(1), seedOf('another')),
  ]),
);

const renewal = join(Uint8Array.of(10, 1), root, list([root]), phone.id, varuint(AT + 3));

const epochKey = seedOf('epoch key');
const commitmentOf = (key: Bytes, log = root): Bytes =>
  sha256(utf8('sealwire/v1/epoch-commitment'), log, key);

/** HPKE to a member; of one encapsulation seed, so that every generator makes the same. */
const wrapped = (key: Bytes, changes: { readonly to?: Bytes; readonly log?: Bytes } = {}): Bytes => {
  const { to = accountKey, log = root } = changes;
  const sender = hpkeSender(
    to,
    join(utf8('sealwire/v1/epoch-key'), log),
    seedOf('encapsulation of an epoch'),
  );
  return join(sender.enc, sender.seal(0, key, NONE));
};

const epochOf = (
  recipients: readonly Bytes[],
  changes: { readonly log?: Bytes; readonly commitment?: Bytes } = {},
): Bytes => {
  const { log = root, commitment = commitmentOf(epochKey) } = changes;
  return join(
    Uint8Array.of(4, 1),
    log,
    varuint(0),
    list([]),
    list([root]),
    phone.id,
    commitment,
    list(recipients),
  );
};

const recipient = (sealed: Bytes, account = root, key = accountKey): Bytes => join(account, key, sealed);
const epoch = epochOf([recipient(wrapped(epochKey))]);

const addEntries = ({ good, bad }: Layer): void => {
  const add = addOf(laptop);
  for (const [name, unsigned, signers] of [
    ['device-genesis', genesis, [phone]],
    ['device-add', add, [phone, laptop]],
    ['chat-genesis', chat, [phone]],
    ['epoch', epoch, [phone]],
    ['device-revoke', revocation, [phone]],
    ['account-key', newKey, [phone]],
    ['cut', cut, [phone]],
    ['device-renew', renewal, [phone]],
  ] as const) {
    const bytes = signed(unsigned, ...signers);
    const signatures = signers.map((_, i) => hex(bytes.subarray(unsigned.length + 64 * i).subarray(0, 64)));
    good(name, 'DL1', { entry: hex(bytes) }, { type: name, hash: hex(hashOf(unsigned)), signatures });
  }
  const refused = (name: string, fault: string, code: string, entry: Bytes): void =>
    bad(name, 'DL1', fault, code, { entry: hex(entry) });
  const whole = signed(add, phone, laptop);
  refused('no-bytes', 'no bytes', 'MALFORMED', NONE);
  refused('cut-short', 'the last byte is missing', 'MALFORMED', whole.subarray(0, -1));
  refused('trailing', 'a byte behind the signatures', 'MALFORMED', join(whole, byte(0)));
  refused('unsigned', 'no signatures', 'MALFORMED', add);
  refused('signed-once', "the author's signature alone", 'MALFORMED', signed(add, phone));
  refused('suite', 'suite 3', 'UNSUPPORTED_VERSION', join(byte(2), byte(3), whole.subarray(2)));
  refused('type-zero', 'type 0', 'UNSUPPORTED_VERSION', join(byte(0), whole.subarray(1)));
  refused(
    'type-later',
    'a type of a later version',
    'UNSUPPORTED_VERSION',
    join(byte(99), whole.subarray(1)),
  );
  const parents = Array<Bytes>(17).fill(root);
  refused('parents', '17 parents', 'MALFORMED', signed(addOf(laptop, { parents }), phone, laptop));
  const padded = join(
    chat.subarray(0, -6),
    varuint(AT).subarray(0, 5),
    Uint8Array.of(0x80 | varuint(AT)[5]!, 0),
  );
  refused('padded', 'a time in a byte more than it needs', 'MALFORMED', signed(padded, phone));
  const large = join(chat.subarray(0, -6), varuint(2n ** 53n));
  refused('large', 'a time of 2^53', 'MALFORMED', signed(large, phone));
};

const addLogs = ({ good, bad }: Layer): void => {
  const first = signed(genesis, phone);
  const input = (...entries: readonly Bytes[]): Vector['input'] => ({ entries: entries.map(hex) });
  const device = ({ id }: Person, rights: number) => ({ id: hex(id), rights });
  const result = (
    devices: readonly { readonly id: string; readonly rights: number }[],
    ...heads: readonly Bytes[]
  ) => ({
    account: hex(root),
    devices: [...devices].sort((a, b) => (a.id < b.id ? -1 : 1)),
    heads: heads.map((unsigned) => hex(hashOf(unsigned))).sort(),
  });
  const add = addOf(laptop, { rights: 1 });
  const added = signed(add, phone, laptop);
  const next = addOf(tablet, { parents: [hashOf(add)], author: laptop });
  const two = [device(phone, 1), device(laptop, 1)];
  good('genesis', 'DL2', input(first), result([device(phone, 1)], genesis));
  good('add', 'DL3', input(first, added), result(two, add));
  const third = [...two, device(tablet, 0)];
  good(
    'chain',
    'DL3',
    input(first, added, signed(next, laptop, tablet)),
    result(third, next),
    'by a device that was added',
  );
  good('again', 'DL4', input(first, added, added), result(two, add), 'an entry that comes twice');
  const beside = addOf(tablet);
  const both = signed(beside, phone, tablet);
  good(
    'branches',
    'DL4',
    input(first, added, both),
    result(third, add, beside),
    'two entries that do not know of each other',
  );
  good(
    'branches-turned',
    'DL4',
    input(first, both, added),
    result(third, add, beside),
    'the same in the other order',
  );

  const refused = (name: string, fault: string, ...entries: readonly Bytes[]): void =>
    bad(name, entries.length === 1 ? 'DL2' : 'DL3', fault, 'LOG_ENTRY_REFUSED', input(...entries));
  const after = (name: string, fault: string, entry: Bytes): void =>
    refused(name, fault, first, added, entry);
  const by = (parts: AddParts, author: Person): Bytes =>
    signed(addOf(tablet, { parents: [hashOf(add)], author, ...parts }), author, tablet);
  refused('genesis-signature', 'a genesis that another device signed', signed(genesis, mallory));
  after('account', 'another account', by({ account: hashOf(genesisOf(mallory)) }, phone));
  after('parent', 'a parent that is not in the log', by({ parents: [seedOf('unknown')] }, phone));
  after('no-parent', 'no parent', by({ parents: [] }, phone));
  after('author', 'an author who is not in the log', by({}, mallory));
  after(
    'past',
    'an author who is in the log, but in nothing that the entry follows',
    by({ parents: [root] }, laptop),
  );
  const without = addOf(laptop);
  const unable = signed(addOf(tablet, { parents: [hashOf(without)], author: laptop }), laptop, tablet);
  refused('right', 'an author without the right to link', first, signed(without, phone, laptop), unable);
  after(
    'device',
    'a device that is there already',
    signed(addOf(laptop, { parents: [hashOf(add)] }), phone, laptop),
  );
  const unsigned = addOf(tablet, { parents: [hashOf(add)] });
  after(
    'author-signature',
    "another's signature in place of the author's",
    signed(unsigned, mallory, tablet),
  );
  after(
    'device-signature',
    "another's signature in place of the new device's",
    signed(unsigned, phone, mallory),
  );
  const renewOf = (author: Person, parents: readonly Bytes[]): Bytes =>
    join(Uint8Array.of(10, 1), root, list(parents), author.id, varuint(AT + 4));
  const renewed = renewOf(laptop, [hashOf(add)]);
  good(
    'renewed',
    'DL24',
    input(first, added, signed(renewed, laptop)),
    result(two, add),
    'a renewal is no head',
  );
  const badRenewal = (name: string, fault: string, ...entries: readonly Bytes[]): void =>
    bad(name, 'DL24', fault, 'LOG_ENTRY_REFUSED', input(first, added, ...entries));
  badRenewal('renewed-signature', 'a renewal that another signed', signed(renewed, phone));
  badRenewal(
    'renewed-past',
    'a renewal from before its author was added',
    signed(renewOf(laptop, [root]), laptop),
  );
  const follower = addOf(tablet, { parents: [hashOf(renewed)] });
  badRenewal(
    'renewed-followed',
    'an addition that follows a renewal',
    signed(renewed, laptop),
    signed(follower, phone, tablet),
  );
  after('swapped', 'both signatures, the other way round', signed(unsigned, tablet, phone));
};

const addEpochs = ({ good, bad }: Layer): void => {
  const read = (unsigned: Bytes, account = root, seed = accountSeed): Vector['input'] => ({
    entry: hex(signed(unsigned, phone)),
    account: hex(account),
    accountPrivateKey: hex(seed),
  });
  good('valid', 'EP1', read(epoch), { epochKey: hex(epochKey) });
  const other = { account: seedOf('another account'), seed: seedOf('its key') };
  const otherKey = x25519Public(other.seed);
  const two = epochOf([
    recipient(wrapped(epochKey, { to: otherKey }), other.account, otherKey),
    recipient(wrapped(epochKey)),
  ]);
  good('two', 'EP1', read(two, other.account, other.seed), { epochKey: hex(epochKey) }, 'one of two members');
  bad(
    'nobody',
    'EP1',
    'nothing for this account',
    'FRAME_KEY_MISSING',
    read(epoch, other.account, other.seed),
  );
  const refused = (name: string, fault: string, unsigned: Bytes): void =>
    bad(name, 'EP1', fault, 'LOG_ENTRY_REFUSED', read(unsigned));
  refused(
    'commitment',
    'another key than the one it commits to',
    epochOf([recipient(wrapped(seedOf('another key')))]),
  );
  const elsewhere = seedOf('another log');
  const moved = { log: elsewhere, commitment: commitmentOf(epochKey, elsewhere) };
  refused('log', 'wrapped for another log', epochOf([recipient(wrapped(epochKey))], moved));
  refused(
    'commitment-log',
    'a commitment of another log',
    epochOf([recipient(wrapped(epochKey))], { commitment: moved.commitment }),
  );
  refused(
    'recipient',
    'wrapped to another account key',
    epochOf([recipient(wrapped(epochKey, { to: otherKey }))]),
  );
  const changed = Uint8Array.from(wrapped(epochKey), (value, i) => (i === 79 ? value ^ 1 : value));
  refused('wrapped', 'one bit of the wrapped key differs', epochOf([recipient(changed)]));
  const low = join(new Uint8Array(32), wrapped(epochKey).subarray(32));
  refused('low-order', 'an encapsulated key of low order', epochOf([recipient(low)]));
};

const addIds = ({ good }: Layer): void => {
  const identity = seedOf('any 32 bytes');
  good(
    'valid',
    'KY2',
    { bytes: hex(identity) },
    {
      deviceId: hex(sha256(utf8('sealwire/v1/device-id'), identity).subarray(0, 16)),
      principalId: hex(sha256(utf8('sealwire/v1/principal-id'), identity)),
      roomId: hex(sha256(utf8('sealwire/v1/room-id'), identity)),
    },
    'the ids if the bytes are an identity key, a manage key, a room secret',
  );
};

addEntries(layer('entry'));
addLogs(layer('log'));
addEpochs(layer('epoch'));
addIds(layer('id'));
addSuite2({ entry: layer('entry'), log: layer('log'), epoch: layer('epoch') });

/** All vectors by name. */
export const deviceLogVectors = vectors;

writeIfMain(import.meta.url, vectors);
