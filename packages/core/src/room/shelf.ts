// What a room refused and could yet count: names of frames, their bodies lie in the vault. Rules: spec/frame.md §8.
import { LIMITS } from '@sealwire/protocol';
import type { Body } from '../frame/body.ts';
import { fingerprint } from './chains.ts';
import type { RefusedWhy } from './records.ts';

export const createShelf = () => {
  const byChain = new Map<string, OfChain>();
  const forks = new Map<string, number>();
  const told = new Set<string>();

  /** Whether a refusal is still to be reported. @returns true the first time. */
  const tell = (chainKey: string, body: Body): boolean => {
    const before = told.size;
    return told.add(`${chainKey}/${nameOf(body)}`).size > before;
  };

  return {
    has: (chainKey: string, body: Body): boolean => byChain.get(chainKey)?.names.has(nameOf(body)) === true,
    tell,
    /** True if anything of this chain was refused. */
    holds: (chainKey: string): boolean => byChain.has(chainKey),
    /** True if a frame of this chain that was not signed wrongly would follow the one of this counter. */
    continues: (chainKey: string, counter: number): boolean =>
      byChain.get(chainKey)?.previous.has(counter) === true,
    /**
     * Remembers a frame.
     * @returns false if it is not to be kept: its device did not sign it, and enough such wait of this chain.
     */
    add(chainKey: string, why: RefusedWhy, body: Body): boolean {
      const chain = byChain.get(chainKey) ?? { names: new Set(), previous: new Set(), unsigned: 0 };
      if (why === 'unsigned' && chain.unsigned === LIMITS.unsignedKept) return false;
      if (why === 'unsigned') chain.unsigned += 1;
      if (why === 'void') chain.previous.add(body.previous);
      if (why === 'fork') forks.set(chainKey, Math.min(forks.get(chainKey) ?? body.previous, body.previous));
      byChain.set(chainKey, chain);
      chain.names.add(nameOf(body));
      return true;
    },
    /** The counter after which a chain has two lines that its device signed; undefined without proof of that. */
    forkOf: (chainKey: string): number | undefined => forks.get(chainKey),
    /** What it holds by now was reported before a restart. */
    allTold(): void {
      for (const [chainKey, { names }] of byChain) for (const name of names) told.add(`${chainKey}/${name}`);
    },
    /** Forgets all of these chains but what was told. */
    clear(which: (chainKey: string) => boolean): void {
      for (const map of [byChain, forks]) for (const key of [...map.keys()]) if (which(key)) map.delete(key);
    },
  };
};

interface OfChain {
  readonly names: Set<string>;
  /** What the frames follow that may count as soon as that does. */
  readonly previous: Set<number>;
  unsigned: number;
}

export type Shelf = ReturnType<typeof createShelf>;

const nameOf = ({ counter, signature }: Body): string => `${counter}/${fingerprint(signature)}`;
