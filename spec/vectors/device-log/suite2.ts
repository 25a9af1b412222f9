// The vectors of log entries, device logs and epochs of suite 2: longer keys and wraps, and no mixing with suite 1. Made by
// generate.ts.
import type { Layer } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import {
  type Bytes,
  ed25519Public,
  ed25519Sign,
  hex,
  join,
  seedOf,
  sha256,
  utf8,
  x25519Public,
  xWingPublic,
  xWingSender,
} from '../link/twin.ts';

interface Person {
  readonly seed: Bytes;
  readonly id: Bytes;
  readonly keys: Bytes;
}

const person = (name: string, hpke: (seed: Bytes) => Bytes = xWingPublic): Person => {
  const seed = seedOf(`${name}, identity`);
  const identity = ed25519Public(seed);
  const id = sha256(utf8('sealwire/v1/device-id'), identity).subarray(0, 16);
  return {
    seed,
    id,
    keys: join(identity, ed25519Public(seedOf(`${name}, relay`)), hpke(seedOf(`${name}, X-Wing`))),
  };
};

const phone = person('phone');
const laptop = person('laptop');
const accountSeed = seedOf('account key of suite 2');
const accountKey = xWingPublic(accountSeed);
const AT = 1_700_000_000_000;

const list = (items: readonly Bytes[]): Bytes => join(varuint(items.length), ...items);
const hashOf = (unsigned: Bytes): Bytes => sha256(utf8('sealwire/v1/log-entry'), unsigned);
const signed = (unsigned: Bytes, ...signers: readonly Person[]): Bytes =>
  join(
    unsigned,
    ...signers.map(({ seed }) => ed25519Sign(seed, utf8('sealwire/v1/log-signature'), hashOf(unsigned))),
  );

const genesisOf = (device: Person, key: Bytes, suite = 2): Bytes =>
  join(
    Uint8Array.of(1, suite),
    seedOf('genesis nonce', 16),
    device.keys,
    key,
    sha256(utf8('sealwire/v1/principal-id'), ed25519Public(seedOf('manage key'))),
    varuint(AT),
  );
const genesis = genesisOf(phone, accountKey);
const root = hashOf(genesis);
const addOf = (device: Person, suite = 2): Bytes =>
  join(Uint8Array.of(2, suite), root, list([root]), phone.id, device.keys, byte(0), varuint(AT + 1));

/** HPKE to a member; of one seed, so that every generator makes the same. */
const wrapped = (label: string, log: Bytes, key: Bytes, to: Bytes): Bytes => {
  const randomness = join(seedOf('encapsulation, ML-KEM'), seedOf('encapsulation, X25519'));
  const sender = xWingSender(to, join(utf8(label), log), randomness);
  return join(sender.enc, sender.seal(0, key, new Uint8Array(0)));
};

const nextSeed = seedOf('the next account key of suite 2');
const wrapOf = (device: string, id: Bytes): Bytes =>
  join(id, wrapped('sealwire/v1/account-key', root, nextSeed, xWingPublic(seedOf(`${device}, X-Wing`))));
const newKey = (key: Bytes, suite = 2, wraps = [wrapOf('phone', phone.id)]): Bytes =>
  join(Uint8Array.of(6, suite), root, list([root]), phone.id, key, list(wraps));

const epochKey = seedOf('epoch key of suite 2');
const epochOf = (recipients: readonly Bytes[], suite = 2): Bytes =>
  join(
    Uint8Array.of(4, suite),
    root,
    varuint(0),
    list([]),
    list([root]),
    phone.id,
    sha256(utf8('sealwire/v1/epoch-commitment'), root, epochKey),
    list(recipients),
  );
const sealed = wrapped('sealwire/v1/epoch-key', root, epochKey, accountKey);
const epoch = epochOf([join(root, accountKey, sealed)]);

export const addSuite2 = (layers: Readonly<Record<'entry' | 'log' | 'epoch', Layer>>): void => {
  addEntries(layers.entry);
  addLogs(layers.log);
  addEpochs(layers.epoch);
};

const addEntries = ({ good, bad }: Layer): void => {
  for (const [type, unsigned, signers] of [
    ['device-genesis', genesis, [phone]],
    ['device-add', addOf(laptop), [phone, laptop]],
    ['account-key', newKey(xWingPublic(nextSeed)), [phone]],
    ['epoch', epoch, [phone]],
  ] as const) {
    const bytes = signed(unsigned, ...signers);
    const signatures = signers.map((_, i) => hex(bytes.subarray(unsigned.length + 64 * i).subarray(0, 64)));
    good(`suite2-${type}`, 'DL17', { entry: hex(bytes) }, { type, hash: hex(hashOf(unsigned)), signatures });
  }
  const refused = (name: string, fault: string, unsigned: Bytes, code = 'MALFORMED', by = [phone]): void =>
    bad(`suite2-${name}`, 'DL17', fault, code, { entry: hex(signed(unsigned, ...by)) });
  const short = person('phone', x25519Public);
  refused('genesis-short', 'suite 2 with a device key of suite 1', genesisOf(short, accountKey));
  refused('genesis-downgraded', 'suite 1 with keys of suite 2', genesisOf(phone, accountKey, 1));
  refused(
    'account-short',
    'suite 2 with an account key of suite 1',
    genesisOf(phone, x25519Public(accountSeed)),
  );
  const shortWrap = join(phone.id, seedOf('wrapped 1'), seedOf('wrapped 2'), seedOf('wrapped 3', 16));
  refused('wrap-short', 'suite 2 with a wrap of suite 1', newKey(accountKey, 2, [shortWrap]));
  refused('epoch-empty', 'suite 2 with nobody to wrap to', epochOf([]));
  const revocation = (suite: number): Bytes =>
    join(Uint8Array.of(5, suite), root, list([root]), phone.id, laptop.id, varuint(AT + 2));
  refused('revoke', 'suite 2 where there is no key', revocation(2), 'UNSUPPORTED_VERSION');
};

const addLogs = ({ good, bad }: Layer): void => {
  const first = signed(genesis, phone);
  const add = signed(addOf(laptop), phone, laptop);
  const device = ({ id }: Person, rights: number) => ({ id: hex(id), rights });
  good(
    'suite2-add',
    'DL17',
    { entries: [first, add].map(hex) },
    {
      account: hex(root),
      devices: [device(phone, 1), device(laptop, 0)].sort((a, b) => (a.id < b.id ? -1 : 1)),
      heads: [hex(hashOf(addOf(laptop)))],
    },
  );
  const refused = (name: string, rule: string, fault: string, ...entries: readonly Bytes[]): void =>
    bad(`suite2-${name}`, rule, fault, 'LOG_ENTRY_REFUSED', { entries: entries.map(hex) });
  const older = person('laptop', x25519Public);
  refused('older', 'DL17', 'a device of suite 1', first, signed(addOf(older, 1), phone, older));
  const key = Uint8Array.from(accountKey);
  key.set([0xff, 0xff]);
  refused('ml-kem', 'DL8', 'an account key that is none of ML-KEM', signed(genesisOf(phone, key), phone));
  const low = join(accountKey.subarray(0, 1184), new Uint8Array(32));
  refused('low-order', 'DL8', 'an X25519 part of low order', signed(genesisOf(phone, low), phone));
};

const addEpochs = ({ good, bad }: Layer): void => {
  const read = (unsigned: Bytes) => ({
    entry: hex(signed(unsigned, phone)),
    account: hex(root),
    accountPrivateKey: hex(accountSeed),
  });
  good('suite2-valid', 'EP1', read(epoch), { epochKey: hex(epochKey) });
  const changed = (at: number): Bytes => {
    const bytes = Uint8Array.from(sealed);
    bytes[at]! ^= 1;
    return epochOf([join(root, accountKey, bytes)]);
  };
  const refused = (name: string, fault: string, unsigned: Bytes): void =>
    bad(`suite2-${name}`, 'EP1', fault, 'LOG_ENTRY_REFUSED', read(unsigned));
  refused('ml-kem', 'one bit of the ML-KEM ciphertext differs', changed(0));
  refused('x25519', 'one bit of the X25519 part differs', changed(1088));
  refused('wrapped', 'one bit of the sealed key differs', changed(1167));
};
