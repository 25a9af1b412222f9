// What a room refused and could yet count: names of frames, their bodies lie in the vault. Rules: spec/frame.md §8.
import { LIMITS } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';
import { fingerprint } from './chains.ts';
import type { RefusedWhy } from './records.ts';

export const createShelf = () => {
  const byChain = new Map<string, { readonly names: Set<string>; unsigned: number }>();
  const forks = new Map<string, number>();

  return {
    has: (chainKey: string, body: Body): boolean => byChain.get(chainKey)?.names.has(nameOf(body)) === true,
    /** True if anything of this chain was refused. */
    holds: (chainKey: string): boolean => byChain.has(chainKey),
    /**
     * Remembers a frame.
     * @returns false if it is not to be kept: its device did not sign it, and enough such wait of this chain.
     */
    add(chainKey: string, why: RefusedWhy, body: Body): boolean {
      const chain = byChain.get(chainKey) ?? { names: new Set<string>(), unsigned: 0 };
      if (why === 'unsigned' && chain.unsigned === LIMITS.unsignedKept) return false;
      if (why === 'unsigned') chain.unsigned += 1;
      if (why === 'fork') forks.set(chainKey, Math.min(forks.get(chainKey) ?? body.previous, body.previous));
      byChain.set(chainKey, chain);
      chain.names.add(nameOf(body));
      return true;
    },
    /** The counter after which a chain has two lines that its device signed; undefined without proof of that. */
    forkOf: (chainKey: string): number | undefined => forks.get(chainKey),
    clear(): void {
      byChain.clear();
      forks.clear();
    },
  };
};

export type Shelf = ReturnType<typeof createShelf>;

const nameOf = ({ counter, signature }: Body): string => `${counter}/${fingerprint(signature)}`;
