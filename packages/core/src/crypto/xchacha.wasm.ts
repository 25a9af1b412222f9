// Opens many sealed messages in one go, by libsodium compiled to WebAssembly: what OpenSSL needs for the first byte of
// each message is more than what this needs for all of it. Twin: xchacha.web.ts. Rules: spec/keys.md §1.
import { randomBytes } from 'node:crypto';
import type { Sodium } from 'libsodium';
import type { OpenMany } from './xchacha.web.ts';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Messages that lie in the WebAssembly memory at once; one that is larger gets as much as it needs. */
const SLAB_BYTES = 512 * 1024;

let loading: Promise<OpenMany | undefined> | undefined;

/** Loads once, some 10 ms and 11 MB. @returns undefined where WebAssembly or the package is not to be had. */
export const loadOpenMany = (): Promise<OpenMany | undefined> => {
  loading ??= load().catch(() => undefined); // Nothing is lost: the caller has another way.
  return loading;
};

const load = async (): Promise<OpenMany> => {
  const { default: instantiate } = await import('libsodium');
  // Asked for by libsodium when it starts; opening needs no randomness.
  const sodium = await instantiate({ getRandomValue: () => randomBytes(4).readUInt32LE() });
  if (sodium._sodium_init() < 0) throw new Error('libsodium did not start');
  return (key, sealed, from, aad) => {
    const opened: (Uint8Array | undefined)[] = [];
    for (let first = 0; first < sealed.length; ) {
      let bytes = 0;
      let next = first;
      while (next < sealed.length && (next === first || bytes + sealed[next]!.length <= SLAB_BYTES))
        bytes += sealed[next++]!.length;
      openSlab(sodium, key, sealed.slice(first, next), bytes, from, aad, opened);
      first = next;
    }
    return opened;
  };
};

/** Copies the messages in behind each other, opens each in its place, copies all out as one array, and wipes. */
const openSlab = (
  sodium: Sodium,
  key: Uint8Array,
  sealed: readonly Uint8Array[],
  bytes: number,
  from: number,
  aad: Uint8Array,
  opened: (Uint8Array | undefined)[],
): void => {
  const size = KEY_BYTES + aad.length + bytes;
  const keyAt = sodium._malloc(size);
  if (keyAt === 0) throw new RangeError(`no memory for ${size} bytes`);
  const heap = sodium.HEAPU8;
  const aadAt = keyAt + KEY_BYTES;
  const start = aadAt + aad.length;
  heap.set(key, keyAt);
  heap.set(aad, aadAt);
  const fits: boolean[] = [];
  let at = start;
  for (const message of sealed) {
    heap.set(message, at);
    const nonce = at + from;
    const text = nonce + NONCE_BYTES;
    at += message.length;
    const length = at - TAG_BYTES - text;
    fits.push(
      length >= 0 &&
        sodium._crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
          text,
          0,
          text,
          length,
          0,
          at - TAG_BYTES,
          aadAt,
          aad.length,
          0,
          nonce,
          keyAt,
        ) === 0,
    );
  }
  const out = heap.slice(start, at);
  heap.fill(0, keyAt, at);
  sodium._free(keyAt);
  let end = 0;
  for (let i = 0; i < sealed.length; i++) {
    const text = end + from + NONCE_BYTES;
    end += sealed[i]!.length;
    opened.push(fits[i] ? out.subarray(text, end - TAG_BYTES) : undefined);
  }
};
