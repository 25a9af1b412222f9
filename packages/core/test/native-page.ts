// The page in which a real browser judges the edges of signatures, points and lengths, and works with suite 2.
import { hpkeKeyPairOf, unwrapKey, wrapKey } from '../src/crypto/hpke.ts';
import { type EdgeReport, judgeLengths, judgePoints, judgeSignatures } from './native-edges.ts';

declare global {
  interface Window {
    edges: Readonly<Record<'signatures' | 'points' | 'lengths', () => Promise<EdgeReport>>>;
    /** Wraps to a fresh key of suite 2. @returns bytes of public key and wrap, and whether it opened. */
    suite2(): Promise<{ readonly publicKey: number; readonly wrapped: number; readonly opened: boolean }>;
  }
}

window.edges = { signatures: judgeSignatures, points: judgePoints, lengths: judgeLengths };

window.suite2 = async () => {
  const pair = await hpkeKeyPairOf(2, crypto.getRandomValues(new Uint8Array(32)));
  const key = crypto.getRandomValues(new Uint8Array(32));
  const info = new Uint8Array(3);
  const wrapped = await wrapKey(pair.publicKey, key, info, 2);
  const opened = await unwrapKey(pair.privateKey, wrapped, info, 2);
  return {
    publicKey: pair.publicKey.length,
    wrapped: wrapped.length,
    opened: opened?.join() === key.join(),
  };
};
