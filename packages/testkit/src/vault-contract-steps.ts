// What tests of the vault contract do again and again.
import type { VaultDriver, VaultPlace } from './vault-contract.ts';

export const openIn = async (place: VaultPlace): Promise<VaultDriver> => {
  const vault = await place.start();
  await vault.open();
  return vault;
};

export const failure = async (promise: Promise<unknown>): Promise<Error & { code?: string }> => {
  try {
    await promise;
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('it did not fail');
};

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const put = (...texts: readonly string[]): { readonly put: Uint8Array[] } => ({
  put: texts.map(bytesOf),
});

export const contents = async (vault: VaultDriver): Promise<string[]> =>
  (await vault.load()).map(({ bytes }) => new TextDecoder().decode(bytes));

/** True when `part`, as bytes or as UTF-16 text, lies somewhere in `bytes`. */
export const includes = (bytes: Uint8Array, part: Uint8Array): boolean => {
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = Buffer.alloc(2 * part.length);
  part.forEach((byte, i) => {
    wide[2 * i] = byte;
  });
  return haystack.includes(Buffer.from(part)) || haystack.includes(wide);
};
