// The formats of spec/frame.md a second time, over node:crypto alone: what makes the vectors shares no code with what
// reads them. For vectors only: it takes seeds where a device takes randomness.
import { createCipheriv, hkdfSync } from 'node:crypto';
import { type Bytes, ed25519Sign, join, sha256, utf8 } from '../link/twin.ts';

/** Numbers of the formats: 7 bits a byte, low bits first. */
export const varuint = (value: number | bigint): Bytes => {
  const bytes: number[] = [];
  let left = BigInt(value);
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Uint8Array.of(...bytes, Number(left));
};

export const uint64 = (value: number | bigint): Bytes => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

export const byte = (value: number): Bytes => Uint8Array.of(value);

const hkdf = (key: Bytes, length: number, ...info: readonly Bytes[]): Bytes =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), join(...info), length));

export const streamKeyOf = (epochKey: Bytes, room: Bytes, stream: string): Bytes =>
  hkdf(epochKey, 32, utf8('sealwire/v1/frame-key'), byte(1), room, utf8(stream));

/** Of an epoch of `log`; eight zeros for the control stream, which is of none. */
export const epochTagOf = ({ epochKey, room, stream, log }: Place): Bytes =>
  stream === 'control'
    ? new Uint8Array(8)
    : sha256(
        utf8('sealwire/v1/epoch-tag'),
        room,
        sha256(utf8('sealwire/v1/epoch-commitment'), log, epochKey),
      ).subarray(0, 8);

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** One quarter round of ChaCha20 (RFC 8439 §2.1) on four words of the state. */
const quarter = (s: Uint32Array, a: number, b: number, c: number, d: number): void => {
  for (const [by, first, second, third] of [
    [16, a, b, d],
    [12, c, d, b],
    [8, a, b, d],
    [7, c, d, b],
  ] as const) {
    s[first]! += s[second]!;
    s[third] = rotated(s[third]! ^ s[first]!, by);
  }
};

/** HChaCha20: draft-irtf-cfrg-xchacha-03 §2.2. */
const hchacha20 = (key: Bytes, nonce16: Bytes): Bytes => {
  const words = join(utf8('expand 32-byte k'), key, nonce16);
  const state = Uint32Array.from({ length: 16 }, (_, i) => Buffer.from(words).readUInt32LE(4 * i));
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(state, i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(state, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  const out = Buffer.alloc(32);
  for (const [i, word] of [0, 1, 2, 3, 12, 13, 14, 15].entries()) out.writeUInt32LE(state[word]!, 4 * i);
  return out;
};

/** XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03 §2. @returns ciphertext and tag. */
export const xchacha = (key: Bytes, nonce24: Bytes, plaintext: Bytes, aad: Bytes): Bytes => {
  const nonce = join(Buffer.alloc(4), nonce24.subarray(16));
  const subkey = hchacha20(key, nonce24.subarray(0, 16));
  const cipher = createCipheriv('chacha20-poly1305', subkey, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
};

/** Where a frame belongs, and what seals it. */
export interface Place {
  readonly epochKey: Bytes;
  readonly room: Bytes;
  readonly stream: string;
  readonly log: Bytes;
}

/** A frame around a plaintext that is padded already; `changes` make it one that no writer would make. */
export const frameOf = (
  place: Place,
  plaintext: Bytes,
  nonce: Bytes,
  changes: { readonly version?: number; readonly suite?: number; readonly tag?: Bytes } = {},
): Bytes => {
  const { epochKey, room, stream } = place;
  const { version = 1, suite = 1, tag = epochTagOf(place) } = changes;
  const aad = join(utf8('sealwire/v1/frame'), Uint8Array.of(version, suite), tag, room, utf8(stream));
  const sealed = xchacha(streamKeyOf(epochKey, room, stream), nonce, plaintext, aad);
  return join(Uint8Array.of(version, suite), tag, nonce, sealed);
};

/** PADMÉ (PURBs, §4) in whole numbers: the low bits that may be told are rounded up. */
export const padmeOf = (length: number): number => {
  if (length < 2) return length;
  const exponent = 31 - Math.clz32(length);
  const zeros = Math.max(exponent - (32 - Math.clz32(exponent)), 0);
  const mask = (1 << zeros) - 1;
  return (length + mask) & ~mask;
};

export const paddedOf = (body: Bytes): Bytes => {
  const marked = join(body, byte(0x80));
  return join(marked, new Uint8Array(padmeOf(marked.length) - marked.length));
};

/** A block of raw deflate that stores bytes as they are (RFC 1951 §3.2.4): the same from every generator. */
export const storedBlock = (bytes: Bytes): Bytes =>
  join(
    Uint8Array.of(1, bytes.length & 255, bytes.length >> 8),
    Uint8Array.of(~bytes.length & 255, (~bytes.length >> 8) & 255),
    bytes,
  );

/** Raw deflate of `a` repeated 100 times, written by hand: `a`, 99 more from distance 1, end (RFC 1951 §3.2.6). */
export const hundredOfA = (): Bytes => {
  // Bits in the order in which they are read; Huffman codes from their first bit.
  const bits = ['1', '10', '10010001', '0010111', '0000', '00000', '0000000'].join('');
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (eight) =>
    Number.parseInt([...eight].reverse().join(''), 2),
  );
};

/** The whole number that the fields of a clientID make; §6. */
export const clientIdOf = (identity: Bytes, logId: Bytes, stream: string, nonce: Bytes): number => {
  const hash = Buffer.from(sha256(utf8('sealwire/v1/client-id'), identity, logId, nonce, utf8(stream)));
  return Number((hash.readBigUInt64BE() >> 8n) & ((1n << 53n) - 1n)) || 1;
};

export interface BodyParts {
  readonly flags?: number;
  readonly kind?: number;
  readonly clientId: number | bigint;
  readonly counter: number;
  readonly delta: number;
  /** All between the counters and the signature. */
  readonly rest?: Bytes;
}

export const signedOf = ({ flags = 0, kind = 0, clientId, counter, delta, rest }: BodyParts): Bytes =>
  join(
    Uint8Array.of(flags, kind),
    varuint(clientId),
    varuint(counter),
    varuint(delta),
    rest ?? new Uint8Array(0),
  );

/** What a chain's hashes and signatures name. */
export const addressOf = (logId: Bytes, stream: string, deviceId: Bytes, clientId: number): Bytes =>
  join(byte(1), logId, byte(stream.length), utf8(stream), deviceId, uint64(clientId));

export const chainStartOf = (address: Bytes): Bytes => sha256(utf8('sealwire/v1/chain'), address);

export const signatureOf = (seed: Bytes, address: Bytes, counter: number, hash: Bytes): Bytes =>
  ed25519Sign(seed, utf8('sealwire/v1/body'), address, uint64(counter), hash);
