// The entries of spec/membership.md a second time, over node:crypto alone. For vectors only.
import { byte, varuint } from '../frame/twin.ts';
import { type Bytes, ed25519Public, ed25519Sign, join, seedOf, sha256, utf8 } from '../link/twin.ts';

export interface Device {
  readonly seed: Bytes;
  readonly identity: Bytes;
  readonly id: Bytes;
}

export interface Person {
  readonly account: Bytes;
  readonly phone: Device;
  readonly tablet: Device;
}

const deviceOf = (name: string): Device => {
  const seed = seedOf(`${name}, identity`);
  const identity = ed25519Public(seed);
  return { seed, identity, id: sha256(utf8('sealwire/v1/device-id'), identity).subarray(0, 16) };
};

export const personOf = (name: string): Person => ({
  account: seedOf(`${name}, account`),
  phone: deviceOf(`${name}, phone`),
  tablet: deviceOf(`${name}, tablet`),
});

export const list = (items: readonly Bytes[]): Bytes => join(varuint(items.length), ...items);
export const hashOf = (unsigned: Bytes): Bytes => sha256(utf8('sealwire/v1/log-entry'), unsigned);

/** An entry with a signature. */
export const signed = (unsigned: Bytes, { seed }: Device): Bytes =>
  join(unsigned, ed25519Sign(seed, utf8('sealwire/v1/log-signature'), hashOf(unsigned)));

export const AT = 1_700_000_000_000;

/** An entry as it goes into a vector, and what others name it by. */
export interface Entry {
  readonly unsigned: Bytes;
  readonly bytes: Bytes;
  readonly hash: Bytes;
}

export const entryOf = (unsigned: Bytes, device: Device): Entry => ({
  unsigned,
  bytes: signed(unsigned, device),
  hash: hashOf(unsigned),
});

export const genesisOf = (person: Person): Entry =>
  entryOf(
    join(Uint8Array.of(3, 1), seedOf('chat nonce', 16), person.account, person.phone.id, varuint(AT)),
    person.phone,
  );

/** What an action needs, behind its number. */
export const ACTION = {
  add: (subject: Person, role = 0) => join(byte(1), subject.account, byte(role)),
  remove: (subject: Person, chains: readonly Bytes[] = []) => join(byte(2), subject.account, list(chains)),
  leave: (chains: readonly Bytes[] = []) => join(byte(3), list(chains)),
  promote: (subject: Person) => join(byte(4), subject.account),
  demote: (subject: Person) => join(byte(5), subject.account),
  rename: (title: string | Bytes) => {
    const text = typeof title === 'string' ? utf8(title) : title;
    return join(byte(6), varuint(text.length), text);
  },
  merge: () => byte(7),
  move: (room: Bytes) => join(byte(8), room),
};

export const chain = (stream: string, clientId: number, counter: number): Bytes =>
  join(byte(stream.length), utf8(stream), varuint(clientId), varuint(counter), seedOf(`hash at ${counter}`));

export interface Parts {
  /** By the person's other device. */
  readonly by?: Device;
  readonly signer?: Device;
  readonly log?: Bytes;
  readonly at?: number;
}

/** Makes the entries of one chat. */
export const chatOf = (genesis: Entry) => {
  const unsigned = (person: Person, parents: readonly Entry[], change: Bytes, parts: Parts = {}): Bytes => {
    const { by = person.phone, log = genesis.hash, at = AT + 1 } = parts;
    const hashes = parents.map(({ hash }) => hash);
    return join(Uint8Array.of(8, 1), log, list(hashes), by.id, person.account, change, varuint(at));
  };
  return {
    member: (person: Person, parents: readonly Entry[], change: Bytes, parts: Parts = {}): Entry =>
      entryOf(unsigned(person, parents, change, parts), parts.signer ?? parts.by ?? person.phone),
    /** A cut of a person's tablet by the phone. */
    cut: (
      person: Person,
      heads: readonly Entry[],
      device = person.tablet,
      revocation = seedOf('revocation'),
    ): Entry =>
      entryOf(
        join(
          ...[Uint8Array.of(7, 1), genesis.hash, revocation, person.phone.id, device.id],
          ...[list(heads.map(({ hash }) => hash)), list([])],
        ),
        person.phone,
      ),
  };
};
