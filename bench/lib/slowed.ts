// A cipher that takes three milliseconds more for each message, and a deflate that saves nothing: a worse build, which the
// gate must notice. Nothing but its test may load it: see variants.ts.
import {
  openXChaCha as open,
  openManyXChaCha as openMany,
  sealXChaCha as seal,
} from '@sealwire/core/testing';

/** A hundred times what a message costs: far more than a busy machine adds to a sample. */
const EXTRA_MS = 3;

/** Works for so many messages; a timer would be too coarse, and would let others work meanwhile. */
const dawdle = (messages: number): void => {
  const until = performance.now() + messages * EXTRA_MS;
  while (performance.now() < until);
};

export const sealXChaCha: typeof seal = (...args) => {
  dawdle(1);
  return seal(...args);
};

export const openXChaCha: typeof open = (...args) => {
  dawdle(1);
  return open(...args);
};

export const openManyXChaCha: typeof openMany = (key, sealed, from, aad) => {
  dawdle(sealed.length);
  return openMany(key, sealed, from, aad);
};

export const deflate = (bytes: Uint8Array): Uint8Array => bytes;
