// What a device reaches in its process without a parameter, made repeatable: WebCrypto's thread pool and its randomness.
// How a run stays the same for one seed: CONTRIBUTING.md, "The simulator".
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { openManyXChaCha } from '@sealwire/core/testing';
import type { Random } from '@sealwire/testkit/relay-fuzz';

interface Held {
  /** Hands the result on; undefined while the thread pool works. */
  release: (() => void) | undefined;
}

/** WebCrypto calls in the order in which they were made. */
const held: Held[] = [];
/** Of real time. */
const STUCK_MS = 60_000;
let random: Random | undefined;
let installed = false;
/** As the platform has it. */
let imports: Pick<SubtleCrypto, 'importKey'> | undefined;

/** Loads what devices load when they first need it: from files, at a moment of its own. */
export const warmUp = async (): Promise<void> => {
  if (installed) return;
  const nothing = Array.from({ length: 1_024 }, () => new Uint8Array(40));
  await openManyXChaCha(new Uint8Array(32), nothing, 0, new Uint8Array(0));
};

const { setInterval } = globalThis;

/**
 * Draws from `source` from now on, for HPKE's one-time keys and the like. Intervals never fire: those of providers ask
 * the real clock how long a socket was silent, which no seed decides.
 */
export const usePlatform = (source: Random): void => {
  random = source;
  held.length = 0;
  globalThis.setInterval = ((): number => 0) as unknown as typeof setInterval;
  if (installed) return;
  installed = true;
  const { subtle } = crypto;
  imports = { importKey: subtle.importKey.bind(subtle) };
  for (const name of METHODS) {
    const original = subtle[name].bind(subtle) as (...args: unknown[]) => Promise<unknown>;
    const call = name === 'generateKey' ? seeded(original) : original;
    Object.defineProperty(subtle, name, { value: (...args: unknown[]) => hold(call(...args)) });
  }
  const fill = crypto.getRandomValues.bind(crypto);
  Object.defineProperty(crypto, 'getRandomValues', {
    value: (array: Uint8Array) => {
      if (!random) return fill(array as Uint8Array<ArrayBuffer>);
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      bytes.set(random.bytes(bytes.length));
      return array;
    },
  });
};

/** Gives the process its own randomness and intervals back. */
export const leavePlatform = (): void => {
  random = undefined;
  globalThis.setInterval = setInterval;
};

/**
 * Resolves when nothing more happens by itself: no microtask is left, and no WebCrypto call is out. Their results are
 * handed on one at a time, in the order of the calls, so that the thread pool's timing decides nothing.
 *
 * @throws Error if one stays out for longer than any machine needs.
 */
export const settle = async (): Promise<void> => {
  for (let since = 0; ; ) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [first] = held;
    if (!first) return;
    if (!first.release) {
      since ||= performance.now();
      if (performance.now() - since > STUCK_MS) throw new Error('a WebCrypto call never settles');
      continue;
    }
    since = 0;
    held.shift();
    first.release();
  }
};

const METHODS = [
  'importKey',
  'exportKey',
  'generateKey',
  'deriveBits',
  'deriveKey',
  'sign',
  'verify',
  'encrypt',
  'decrypt',
  'digest',
  'wrapKey',
  'unwrapKey',
] as const;

/** Before the 32 bytes of an X25519 key in PKCS #8: RFC 8410 §7. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Makes X25519 key pairs, which HPKE makes one of for each wrap, from the run's randomness. */
const seeded =
  (original: (...args: unknown[]) => Promise<unknown>) =>
  async (...args: unknown[]): Promise<unknown> => {
    const [algorithm, , usages] = args;
    const name = typeof algorithm === 'string' ? algorithm : (algorithm as { readonly name: string }).name;
    if (!random || name !== 'X25519') return original(...args);
    const key = createPrivateKey({
      key: Buffer.concat([PKCS8_X25519, random.bytes(32)]),
      format: 'der',
      type: 'pkcs8',
    });
    const pkcs8 = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
    const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
    const { importKey } = imports!;
    return {
      privateKey: await importKey('pkcs8', pkcs8, { name }, true, usages as KeyUsage[]),
      publicKey: await importKey('spki', spki, { name }, true, []),
    };
  };

const hold = (result: Promise<unknown>): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const item: Held = { release: undefined };
    held.push(item);
    result.then(
      (value) => {
        item.release = () => resolve(value);
      },
      (error: unknown) => {
        item.release = () => reject(error);
      },
    );
  });
