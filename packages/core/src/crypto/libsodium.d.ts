// What is used of the package libsodium 0.8, which brings no types. Source: its C names, see xchacha.wasm.ts.
declare module 'libsodium' {
  /** Pointers and sizes are numbers; a 64-bit size is two of them, low half first. */
  export interface Sodium {
    /** Changes when the memory grows. */
    readonly HEAPU8: Uint8Array;
    _malloc(size: number): number;
    _free(pointer: number): void;
    /** @returns 0 */
    _sodium_init(): number;
    /** @returns 0 if the tag is right, and only then writes `m`, which may be `c`. */
    _crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
      m: number,
      nsec: 0,
      c: number,
      cLength: number,
      cLengthHigh: 0,
      mac: number,
      ad: number,
      adLength: number,
      adLengthHigh: 0,
      nonce: number,
      key: number,
    ): number;
  }
  const load: (options: { readonly getRandomValue: () => number }) => Promise<Sodium>;
  export default load;
}
