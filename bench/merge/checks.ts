// What checking frames costs: the same catch-up with core as it is, with core that checks no signature and no chain,
// and with core that counts the signatures that it verifies.
import { importVariant, type Replacement } from '../lib/variants.ts';
import { memoryVault } from './device.ts';
import { type CaughtUp, deliveries, type SealedLog } from './sealed.ts';

type Sealed = typeof import('./sealed.ts');

const here = (path: string): string => new URL(path, import.meta.url).href;
const CORE = new URL('.', import.meta.resolve('@sealwire/core/testing')).href;
const SCOPE = [CORE, here('sealed.ts'), here('device.ts')];
const NATIVE = '/crypto/native.node.ts';

const loadSealed = async (name: string, replacements: readonly Replacement[]): Promise<Sealed> =>
  (await importVariant({ name, scope: SCOPE, replacements }, here('sealed.ts'))) as Sealed;

/** The catch-up without signatures and chain hashes; seals are opened and updates parsed as ever. */
export const loadUnchecked = (): Promise<Sealed> =>
  loadSealed('unchecked', [
    { module: NATIVE, names: ['verifyEd25519'], by: here('unchecked.ts') },
    { module: '/frame/chain.ts', names: ['chainNext', 'chainStatement'], by: here('unchecked.ts') },
  ]);

/** The catch-up as it is. @returns besides, how many signatures of frames it verified. */
export const loadCounting = async (): Promise<
  (log: SealedLog) => Promise<CaughtUp & { verified: number }>
> => {
  const { catchUpSealed, freshDevice } = await loadSealed('counting', [
    { module: NATIVE, names: ['verifyEd25519'], by: here('counted.ts') },
  ]);
  const { counted } = (await import(here('counted.ts'))) as typeof import('./counted.ts');
  return async ({ account, frames }) => {
    const before = counted.frames;
    const caughtUp = await catchUpSealed(await freshDevice(account, memoryVault()), deliveries(frames));
    return { ...caughtUp, verified: counted.frames - before };
  };
};

/** How many signatures should be verified: of all that comes together one for each clientID. */
export const countRuns = ({ frames, writers }: SealedLog): number =>
  deliveries(frames).reduce((sum, chunk) => {
    const chains = new Set(chunk.map(({ stream, position }) => `${stream}/${writers[position - 1]}`));
    return sum + chains.size;
  }, 0);
