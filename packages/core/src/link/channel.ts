// The sealed channel of a link: HPKE from the phone to the new device, and back under a key exported from it
// (RFC 9180 §9.8). Rules: spec/link.md §3.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concat, utf8 } from '../bytes.ts';
import {
  type HpkeContext,
  type HpkeKeyPair,
  type HpkeSender,
  hpkeRecipient,
  hpkeSender,
} from '../crypto/hpke.ts';
import { SUITE_BYTES, type Suite } from '../crypto/suites.ts';

/** One side of the channel. Calls must not overlap: each message has its place in its direction. */
export interface LinkChannel {
  /** 32 bytes: the key of the MAC over the digits. The same on both sides. */
  readonly macKey: Uint8Array;
  /** @returns what to send. @param aad - the transcript before this message. */
  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>;
  /**
   * Opens the next message of the other side.
   *
   * @param sealed - any bytes.
   * @param aads - the transcripts under which it may have been sealed, likeliest first.
   * @returns the plaintext and the transcript that fitted, or undefined if the bytes were changed, replayed,
   *   reordered, or follow a message that never came. The place in the order is then not used up.
   */
  open(sealed: Uint8Array, aads: readonly Uint8Array[]): Promise<Opened | undefined>;
}

export interface Opened {
  readonly plaintext: Uint8Array;
  readonly aad: Uint8Array;
}

/**
 * The phone's side, with fresh randomness of WebCrypto's.
 *
 * @param oneTimeKey - of the new device, of `suite`.
 * @param start - the transcript's start: the channel is bound to code and cell, and so to the suite.
 * @throws SealwireError MALFORMED if the key is of low order, or none of ML-KEM.
 */
export const openPhoneChannel = async (
  oneTimeKey: Uint8Array,
  start: Uint8Array,
  suite: Suite = 1,
): Promise<LinkChannel> => phoneChannel(await hpkeSender(oneTimeKey, linkInfo(start), suite));

/** The phone's side over a context that was started with {@link linkInfo}. */
export const phoneChannel = async (sender: HpkeSender): Promise<LinkChannel> => {
  const reverse = await reverseCipher(sender);
  let enc: Uint8Array = sender.enc;
  let received = 0;
  return {
    macKey: await exportMacKey(sender),
    seal: async (plaintext, aad) => {
      const sealed = concat(enc, await sender.seal(plaintext, aad));
      enc = NOTHING;
      return sealed;
    },
    open: async (sealed, aads) => {
      for (const aad of aads) {
        const plaintext = reverse.open(sealed, aad, received);
        if (!plaintext) continue;
        received++;
        return { plaintext, aad };
      }
      return undefined;
    },
  };
};

/**
 * The new device's side, from the first bytes that the phone sent. Hand the same bytes to `open` afterwards.
 *
 * @param oneTimeKeys - for this link alone; to be forgotten with the channel.
 * @param first - any bytes.
 * @returns undefined if they hold no usable encapsulated key.
 */
export const openNewDeviceChannel = async (
  oneTimeKeys: HpkeKeyPair,
  start: Uint8Array,
  first: Uint8Array,
): Promise<LinkChannel | undefined> => {
  const { enc: encBytes } = SUITE_BYTES[oneTimeKeys.suite];
  const recipient = await hpkeRecipient(oneTimeKeys, first.subarray(0, encBytes), linkInfo(start));
  if (!recipient) return undefined;
  const reverse = await reverseCipher(recipient);
  let skip = encBytes;
  let sent = 0;
  return {
    macKey: await exportMacKey(recipient),
    seal: async (plaintext, aad) => reverse.seal(plaintext, aad, sent++),
    open: async (sealed, aads) => {
      for (const aad of aads) {
        const plaintext = await recipient.open(sealed.subarray(skip), aad);
        if (!plaintext) continue;
        skip = 0;
        return { plaintext, aad };
      }
      return undefined;
    },
  };
};

/** The HPKE info of a link: label ‖ start of the transcript. */
export const linkInfo = (start: Uint8Array): Uint8Array => concat(utf8('sealwire/v1/link-channel'), start);

const NOTHING = new Uint8Array(0);
const TAG_BYTES = 16;

const exportMacKey = (context: HpkeContext): Promise<Uint8Array> =>
  context.exportSecret(utf8('sealwire/v1/link-mac'), 32);

/**
 * ChaCha20-Poly1305 (RFC 8439) with the message's number as its nonce. Both ends of the key are made for one link and
 * live in memory alone, one side seals with it, and it counts: no nonce comes twice. A random nonce would gain
 * nothing here, since no copy of the counter can be restored from anywhere.
 */
const reverseCipher = async (context: HpkeContext) => {
  const key = await context.exportSecret(utf8('sealwire/v1/link-reverse'), 32);
  return {
    seal: (plaintext: Uint8Array, aad: Uint8Array, number: number): Uint8Array =>
      chacha20poly1305(key, nonceOf(number), aad).encrypt(plaintext),
    open: (sealed: Uint8Array, aad: Uint8Array, number: number): Uint8Array | undefined => {
      if (sealed.length < TAG_BYTES) return undefined;
      try {
        return chacha20poly1305(key, nonceOf(number), aad).decrypt(sealed);
      } catch {
        return undefined; // The tag does not fit: the caller ends the link.
      }
    },
  };
};

/** 12 bytes, the number in the last four, big-endian. */
const nonceOf = (number: number): Uint8Array => {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, number);
  return nonce;
};
