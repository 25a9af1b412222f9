// Makes the vectors of epochs, one fault a file, from spec/epochs.md. Run it to write them again:
// node --import tsx spec/vectors/epoch/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { varuint } from '../frame/twin.ts';
import {
  type Bytes,
  ed25519Public,
  hex,
  hpkeSender,
  join,
  seedOf,
  sha256,
  utf8,
  x25519Public,
} from '../link/twin.ts';
import {
  ACTION,
  AT,
  chatOf,
  type Device,
  type Entry,
  entryOf,
  genesisOf,
  list,
  personOf,
} from '../membership/twin.ts';

const { vectors, layer } = collect();

/** A person whose account is a device log of one phone, and the entry that starts it. */
const memberOf = (name: string) => {
  const { phone, tablet } = personOf(name);
  const seed = seedOf(`${name}, account key`);
  const accountKey = x25519Public(seed);
  const keys = join(
    phone.identity,
    ed25519Public(seedOf(`${name}, relay`)),
    x25519Public(seedOf(`${name}, HPKE`)),
  );
  const principal = sha256(utf8(`principal of ${name}`));
  const log = entryOf(
    join(Uint8Array.of(1, 1), seedOf(`${name}, nonce`, 16), keys, accountKey, principal, varuint(AT)),
    phone,
  );
  return { account: log.hash, phone, tablet, seed, accountKey, log };
};

type Member = ReturnType<typeof memberOf>;

const [ann, bob, cid, dan] = ['Ann', 'Bob', 'Cid', 'Dan'].map(memberOf) as [Member, Member, Member, Member];

// Ann starts the chat and adds Bob.
const chat = genesisOf(ann);
const { member } = chatOf(chat);
const addBob = member(ann, [chat], ACTION.add(bob));

const KEY = seedOf('epoch key');
const OTHER_KEY = seedOf('another epoch key');
const ELSEWHERE = seedOf('another log');
const NONE = new Uint8Array(0);

const commitmentOf = (key: Bytes, log = chat.hash): Bytes =>
  sha256(utf8('sealwire/v1/epoch-commitment'), log, key);

interface Wrap {
  readonly key?: Bytes;
  readonly log?: Bytes;
  readonly label?: string;
}

/** HPKE to a member; of one encapsulation seed a member, so that every run makes the same. */
const wrapped = (
  to: Bytes,
  { key = KEY, log = chat.hash, label = 'sealwire/v1/epoch-key' }: Wrap = {},
): Bytes => {
  const sender = hpkeSender(to, join(utf8(label), log), join(seedOf('encapsulation'), to));
  return join(sender.enc, sender.seal(0, key, NONE));
};

const recipientOf = ({ account, accountKey }: Member, sealed?: Bytes, key = accountKey): Bytes =>
  join(account, key, sealed ?? wrapped(key));

interface Parts {
  readonly log?: Bytes;
  readonly index?: number;
  readonly parents?: readonly Entry[];
  readonly heads?: readonly Entry[];
  readonly author?: Device;
  readonly signer?: Device;
  readonly commitment?: Bytes;
  readonly recipients?: readonly Bytes[];
}

const epochOf = (parts: Parts = {}): Entry => {
  const { log = chat.hash, index = 0, parents = [], heads = [addBob], author = ann.phone } = parts;
  const { commitment = commitmentOf(KEY), recipients = [recipientOf(ann), recipientOf(bob)] } = parts;
  const hashes = (entries: readonly Entry[]): Bytes => list(entries.map(({ hash }) => hash));
  const unsigned = join(
    ...[Uint8Array.of(4, 1), log, varuint(index), hashes(parents), hashes(heads), author.id],
    ...[commitment, list(recipients)],
  );
  return entryOf(unsigned, parts.signer ?? author);
};

const addOpens = ({ good, bad }: Layer): void => {
  const read = ({ bytes }: Entry, by: Member = bob): Vector['input'] => ({
    ...{ entry: hex(bytes), account: hex(by.account), accountPrivateKey: hex(by.seed) },
  });
  for (const [name, by] of [
    ['first', ann],
    ['second', bob],
  ] as const)
    good(name, 'EP1', read(epochOf(), by), { epochKey: hex(KEY) }, `the ${name} of two members`);
  const alone = epochOf({ heads: [chat], recipients: [recipientOf(ann)] });
  good('alone', 'EP1', read(alone, ann), { epochKey: hex(KEY) }, 'a single member');
  bad('nobody', 'EP1', 'nothing for this account', 'FRAME_KEY_MISSING', read(epochOf(), cid));
  const refused = (name: string, fault: string, entry: Entry): void =>
    bad(name, 'EP1', fault, 'LOG_ENTRY_REFUSED', read(entry));
  const toBob = (sealed: Bytes): Entry =>
    epochOf({ recipients: [recipientOf(ann), recipientOf(bob, sealed)] });
  refused(
    'key',
    'another key than the one it commits to',
    toBob(wrapped(bob.accountKey, { key: OTHER_KEY })),
  );
  refused('commitment', 'a commitment to another key', epochOf({ commitment: commitmentOf(OTHER_KEY) }));
  refused(
    'commitment-log',
    'a commitment for another log',
    epochOf({ commitment: commitmentOf(KEY, ELSEWHERE) }),
  );
  refused('wrapped-log', 'wrapped for another log', toBob(wrapped(bob.accountKey, { log: ELSEWHERE })));
  refused(
    'wrapped-label',
    'wrapped as something else',
    toBob(wrapped(bob.accountKey, { label: 'sealwire/v1/account-key' })),
  );
  refused('wrapped-other', 'wrapped to another member', toBob(wrapped(ann.accountKey)));
  const good80 = wrapped(bob.accountKey);
  for (const [name, at] of [
    ['enc', 0],
    ['sealed', 32],
    ['tag', 79],
  ] as const)
    refused(
      `bit-${name}`,
      `one bit of byte ${at} differs`,
      toBob(good80.map((value, i) => (i === at ? value ^ 1 : value))),
    );
  const one = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
  for (const [name, point] of [
    ['zero', new Uint8Array(32)],
    ['one', one],
  ] as const)
    refused(`low-order-${name}`, 'an encapsulated key of low order', toBob(join(point, good80.subarray(32))));
  const { bytes } = epochOf();
  const cut = { ...epochOf(), bytes: bytes.subarray(0, bytes.length - 64 - 1) };
  bad('cut', 'DL1', 'the last wrapped key is a byte short, and no signature', 'MALFORMED', read(cut));
};

const addTakes = ({ good, bad }: Layer): void => {
  const input = (epochs: readonly Entry[], logs: readonly Member[] = [ann, bob, cid]): Vector['input'] => ({
    logs: logs.map(({ log }) => hex(log.bytes)),
    chat: [chat, addBob].map(({ bytes }) => hex(bytes)),
    epochs: epochs.map(({ bytes }) => hex(bytes)),
  });
  const takes = (
    name: string,
    rule: string,
    verdict: string,
    note: string,
    ...epochs: readonly Entry[]
  ): void => good(name, rule, input(epochs), { verdict }, note);
  const first = epochOf();
  takes('members', 'EP2', 'taken', 'exactly the members at its heads', first);
  takes(
    'turned',
    'EP2',
    'taken',
    'its recipients the other way round',
    epochOf({ recipients: [recipientOf(bob), recipientOf(ann)] }),
  );
  takes(
    'earlier',
    'EP2',
    'taken',
    'the members at earlier heads',
    epochOf({ heads: [chat], recipients: [recipientOf(ann)] }),
  );
  takes('no-admin', 'EP2', 'taken', 'by a member who is no admin', epochOf({ author: bob.phone }));
  const next = epochOf({ index: 1, parents: [first], author: bob.phone });
  takes('next', 'EP2', 'taken', 'one after another', first, next);
  const beside = epochOf({ author: bob.phone });
  const third = epochOf({ index: 2, parents: [next, beside] });
  takes('merged', 'EP2', 'taken', 'one more than the highest of its parents', first, next, beside, third);
  takes('early-parent', 'EP4', 'early', 'a parent that is not known', next);
  const later = member(ann, [addBob], ACTION.add(cid));
  takes('early-heads', 'EP4', 'early', 'a head that is not known', epochOf({ heads: [later] }));
  const nextKey = x25519Public(seedOf('a key that no log has'));
  const renewed = epochOf({ recipients: [recipientOf(ann), recipientOf(bob, undefined, nextKey)] });
  takes('early-key', 'EP4', 'early', 'an account key that is not known', renewed);
  takes('early-author', 'EP4', 'early', 'an author who is not known', epochOf({ author: ann.tablet }));
  good('early-log', 'EP4', input([first], [ann]), { verdict: 'early' }, 'a device log that is not known');

  const refused = (name: string, fault: string, ...epochs: readonly Entry[]): void =>
    bad(name, 'EP2', fault, 'LOG_ENTRY_REFUSED', input(epochs));
  refused('log', 'another log', epochOf({ log: ELSEWHERE, commitment: commitmentOf(KEY, ELSEWHERE) }));
  refused('nobody', 'no recipients', epochOf({ recipients: [] }));
  refused('missing', 'a member is left out', epochOf({ recipients: [recipientOf(ann)] }));
  const three = [ann, bob, cid].map((person) => recipientOf(person));
  refused('ghost', 'somebody is a recipient who is no member', epochOf({ recipients: three }));
  refused(
    'instead',
    'somebody in place of a member',
    epochOf({ recipients: [recipientOf(ann), recipientOf(cid)] }),
  );
  refused(
    'twice',
    'a member twice',
    epochOf({ recipients: [recipientOf(ann), recipientOf(bob), recipientOf(bob)] }),
  );
  refused(
    'twice-instead',
    'a member twice, in place of another',
    epochOf({ recipients: [recipientOf(bob), recipientOf(bob)] }),
  );
  refused('heads', 'no heads', epochOf({ heads: [] }));
  refused('index', 'a first epoch with number 1', epochOf({ index: 1 }));
  refused('index-same', 'the number of its parent', first, epochOf({ index: 0, parents: [first] }));
  refused('index-skip', 'a number that is left out', first, epochOf({ index: 2, parents: [first] }));
  refused('author', 'by somebody who is no member', epochOf({ author: cid.phone }));
  refused('signature', 'signed by another member', epochOf({ signer: bob.phone }));
  refused('stranger', 'by a stranger who says to be a member', epochOf({ signer: dan.phone }));
};

const addTags = ({ good }: Layer): void => {
  for (const [name, key] of [
    ['one', KEY],
    ['other', OTHER_KEY],
  ] as const) {
    const [room, commitment] = [seedOf('room'), commitmentOf(key)];
    const tag = sha256(utf8('sealwire/v1/epoch-tag'), room, commitment).subarray(0, 8);
    good(
      name,
      'EP5',
      { log: hex(chat.hash), epochKey: hex(key), room: hex(room) },
      { commitment: hex(commitment), tag: hex(tag) },
    );
  }
};

addOpens(layer('open'));
addTakes(layer('take'));
addTags(layer('tag'));

/** All vectors by name. */
export const epochVectors = vectors;

writeIfMain(import.meta.url, vectors);
