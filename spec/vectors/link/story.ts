// The honest link of the vectors, message by message, in either suite. Layout: spec/link.md.
import {
  after,
  type Bytes,
  commitment,
  ed25519Public,
  ed25519Sign,
  hpkeSender,
  join,
  macOf,
  seedOf,
  sha256,
  sized,
  startOf,
  statement,
  utf8,
  x25519Public,
  xWingPublic,
  xWingSender,
} from './twin.ts';

export const DIGITS = '042731';
export const NAME = "Ada's laptop";
export const seeds = {
  oneTime: seedOf('one-time key'),
  identity: seedOf('identity of the new device'),
  phone: seedOf('identity of the phone'),
  ephemeral: seedOf('encapsulation'),
  /** What X-Wing draws: 32 bytes for ML-KEM, 32 for X25519. */
  randomness: join(seedOf('encapsulation, ML-KEM'), seedOf('encapsulation, X25519')),
};
export const relayId = seedOf('relay', 16);
export const accountRoot = seedOf('account root');
export const opening = seedOf('opening');
export const relayKey = ed25519Public(seedOf('relay key'));
export const hpkeKey = x25519Public(seedOf('HPKE key'));
export const offerBytes = utf8('the log, and the entry to be added');
export const acceptanceBytes = seedOf('acceptance');
export const bundleBytes = utf8('the secrets of the account');
export const oneTimeKeys = { 1: x25519Public(seeds.oneTime), 2: xWingPublic(seeds.oneTime) };

export const cellOf = (suite: number, oneTimeKey: Bytes): Bytes =>
  join(Uint8Array.of(suite), oneTimeKey, ed25519Public(seeds.identity));
export const codeOf = (ofCell: Bytes): Bytes =>
  join(Uint8Array.of(1), seedOf('rendezvous', 16), relayId, sha256(utf8('sealwire/v1/link-code'), ofCell));
export const infoOf = (start: Bytes): Bytes => join(utf8('sealwire/v1/link-channel'), start);

export const frontOf = (name: Bytes, platform = 1, hpke = hpkeKey): Bytes =>
  join(Uint8Array.of(2), sized(name), Uint8Array.of(platform), relayKey, hpke);
export const possession = (of: Bytes, seed = seeds.identity): Bytes =>
  ed25519Sign(seed, utf8('sealwire/v1/link-possession'), of);
export const offerFront = (open = opening, offer = offerBytes): Bytes =>
  join(Uint8Array.of(3), open, sized(offer));

/** All of an honest link; `t[n]` is the transcript after message n. */
export const storyOf = (suite: 1 | 2) => {
  const cell = cellOf(suite, oneTimeKeys[suite]);
  const code = codeOf(cell);
  const start = startOf(code, cell);
  const sender =
    suite === 1
      ? hpkeSender(oneTimeKeys[1], infoOf(start), seeds.ephemeral)
      : xWingSender(oneTimeKeys[2], infoOf(start), seeds.randomness);
  const macKey = sender.exported('sealwire/v1/link-mac');
  const hello = join(Uint8Array.of(1), accountRoot, ed25519Public(seeds.phone), commitment(DIGITS, opening));
  const t: Bytes[] = [start, after(start, hello)];
  const front = frontOf(utf8(NAME));
  const told = statement(t[1]!, front);
  const answer = join(front, possession(told), macOf(macKey, DIGITS, told));
  t.push(after(t[1]!, answer));
  const approval = (of: Bytes, seed = seeds.phone): Bytes =>
    ed25519Sign(seed, utf8('sealwire/v1/link-approval'), statement(t[2]!, of));
  const offer = join(offerFront(), approval(offerFront()));
  const acceptance = join(Uint8Array.of(4), sized(acceptanceBytes));
  const bundle = join(Uint8Array.of(5), sized(bundleBytes));
  const done = Uint8Array.of(6);
  for (const message of [offer, acceptance, bundle, done]) t.push(after(t.at(-1)!, message));
  return {
    cell,
    code,
    sender,
    macKey,
    hello,
    t,
    told,
    front,
    answer,
    approval,
    offer,
    acceptance,
    bundle,
    done,
  };
};
