// Judges the cases of native-cases.ts by what runs in a browser, and by WebCrypto beside it. Runs under Node as well, whose
// WebCrypto is another one. Rules: spec/keys.md §1.
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { SealwireError, toHex } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { hpkeKeyPair, hpkeRecipient, unwrapKey, wrapKey } from '../src/crypto/hpke.ts';
import { isStrict, verifyPortable } from '../src/crypto/native.ed25519.ts';
import * as web from '../src/crypto/native.web.ts';
import { isUsablePublicKey } from '../src/crypto/public-key.ts';
import { pointCases, signatureCases } from './native-cases.ts';

/** What differs from what it should be, a line each, and how much was looked at. */
export interface EdgeReport {
  readonly wrong: readonly string[];
  readonly judged: number;
  readonly accepted: number;
  /** Verdicts that WebCrypto gave itself. */
  readonly byPlatform: number;
}

const { subtle } = crypto;
const source = (bytes: Uint8Array): BufferSource => bytes.slice() as BufferSource;

/** Ed25519 by WebCrypto behind our checks, and by @noble behind the same. */
export const judgeSignatures = async (): Promise<EdgeReport> => {
  const wrong: string[] = [];
  let accepted = 0;
  let byPlatform = 0;
  const verify = subtle.verify.bind(subtle);
  subtle.verify = (...args: Parameters<typeof verify>) => {
    byPlatform += 1;
    return verify(...args);
  };
  const cases = signatureCases();
  try {
    for (const { what, key, message, signature, valid } of cases) {
      const native = await web.verifyEd25519(key, message, signature);
      const portable = isStrict(key, signature) && verifyPortable(key, message, signature);
      if (native !== valid) wrong.push(`WebCrypto says ${native}: ${what}`);
      if (portable !== valid) wrong.push(`@noble says ${portable}: ${what}`);
      if (native) accepted += 1;
    }
  } finally {
    subtle.verify = verify;
  }
  return { wrong, judged: cases.length, accepted, byPlatform };
};

/** X25519 of the platform: undefined where it refuses. @param scalar - 32 bytes. */
const platformSecret = async (scalar: Uint8Array, u: Uint8Array): Promise<Uint8Array | undefined> => {
  // RFC 8410 §7: WebCrypto takes a raw private key in no other form.
  const prefix = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32);
  const pkcs8 = source(Uint8Array.of(...prefix, ...scalar));
  const privateKey = await subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
  try {
    const publicKey = await subtle.importKey('raw', source(u), { name: 'X25519' }, false, []);
    const bits = await subtle.deriveBits({ name: 'X25519', public: publicKey }, privateKey, 256);
    const secret = new Uint8Array(bits);
    // Some platforms give the zeros, to be refused by whoever asked (RFC 7748 §6.1).
    return secret.every((byte) => byte === 0) ? undefined : secret;
  } catch {
    return undefined;
  }
};

const nobleSecret = (scalar: Uint8Array, u: Uint8Array): Uint8Array | undefined => {
  try {
    return x25519.getSharedSecret(scalar, u);
  } catch {
    return undefined;
  }
};

const hexOf = (bytes: Uint8Array | undefined): string => (bytes ? toHex(bytes) : 'refused');

/** X25519 by @noble, in HPKE and by the platform: one secret or one refusal, and no secret that is zero. */
export const judgePoints = async (): Promise<EdgeReport> => {
  const wrong: string[] = [];
  const random = seededRandom(25_519);
  const info = new Uint8Array(0);
  const own = hpkeKeyPair(random.bytes(32));
  const honest = await wrapKey(own.publicKey, new Uint8Array(32), info);
  const cases = pointCases();
  let accepted = 0;
  for (const { what, u, usable, same } of cases) {
    const check = (name: string, fits: boolean): void => {
      if (!fits) wrong.push(`${name}: ${what}`);
    };
    const scalar = random.bytes(32);
    const secret = nobleSecret(scalar, u);
    check('@noble', (secret !== undefined) === usable && !secret?.every((byte) => byte === 0));
    check('the platform differs', hexOf(await platformSecret(scalar, u)) === hexOf(secret));
    if (same) check('another form of u, another secret', hexOf(nobleSecret(scalar, same)) === hexOf(secret));
    check('isUsablePublicKey', isUsablePublicKey(u) === usable);
    const wrapped = await wrapKey(u, new Uint8Array(32), info).then(
      () => 'sealed',
      (error: unknown) => (error instanceof SealwireError ? error.code : String(error)),
    );
    check(`wrapKey says ${wrapped}`, wrapped === (usable ? 'sealed' : 'MALFORMED'));
    const recipient = await hpkeRecipient(own, u, info);
    check('hpkeRecipient', (recipient !== undefined) === usable);
    const changed = honest.slice();
    changed.set(u);
    check('it opened', (await unwrapKey(own.privateKey, changed, info)) === undefined);
    if (secret) accepted += 1;
  }
  return { wrong, judged: cases.length, accepted, byPlatform: cases.length };
};

/** SHA-256, HMAC and HKDF on lengths around their blocks, beside the platform's. */
export const judgeLengths = async (): Promise<EdgeReport> => {
  const wrong: string[] = [];
  const random = seededRandom(5869);
  let judged = 0;
  const compare = (what: string, ours: Uint8Array, platforms: ArrayBuffer): void => {
    judged += 1;
    if (toHex(ours) !== toHex(new Uint8Array(platforms))) wrong.push(what);
  };
  const around = [0, 1, 31, 32, 33, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 255, 256, 1000];
  for (const length of [...around, 4095, 4096, 8191, 8192, 8193, 65_536, 70_001]) {
    const bytes = random.bytes(length);
    const digest = await subtle.digest('SHA-256', source(bytes));
    compare(`SHA-256 of ${length}`, web.sha256(bytes), digest);
    const half = length >> 1;
    compare(
      `SHA-256 of ${length} in parts`,
      web.sha256(bytes.subarray(0, half), bytes.subarray(half)),
      digest,
    );
  }
  for (const keyLength of [1, 16, 31, 32, 33, 63, 64, 65, 127, 128, 200])
    for (const length of [0, 1, 55, 56, 63, 64, 65, 500]) {
      const [key, message] = [random.bytes(keyLength), random.bytes(length)];
      const hash = { name: 'HMAC', hash: 'SHA-256' };
      const imported = await subtle.importKey('raw', source(key), hash, false, ['sign']);
      const mac = await subtle.sign('HMAC', imported, source(message));
      compare(`HMAC, key of ${keyLength}, ${length} bytes`, hmac(nobleSha256, key, message), mac);
    }
  for (const length of [1, 8, 31, 32, 33, 63, 64, 65, 96, 255 * 32])
    for (const infoLength of [0, 1, 64, 200]) {
      const [key, info] = [random.bytes(32), random.bytes(infoLength)];
      const imported = await subtle.importKey('raw', source(key), 'HKDF', false, ['deriveBits']);
      const salt = new Uint8Array(0);
      const options = { name: 'HKDF', hash: 'SHA-256', salt: source(salt), info: source(info) };
      const bits = await subtle.deriveBits(options, imported, 8 * length);
      compare(
        `HKDF to ${length} bytes, info of ${infoLength}`,
        hkdf(nobleSha256, key, undefined, info, length),
        bits,
      );
    }
  judged += 1;
  try {
    hkdf(nobleSha256, new Uint8Array(32), undefined, undefined, 255 * 32 + 1);
    wrong.push('HKDF gave more than 255 blocks (RFC 5869 §2.3)');
  } catch {
    // Refused, as it should be.
  }
  return { wrong, judged, accepted: judged, byPlatform: judged };
};
