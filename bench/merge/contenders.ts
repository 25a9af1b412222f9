// What the merge suite times: ways to catch up on one workload, ours and plain Yjs's.
import { type Measured, type Result, toResult } from '../lib/result.ts';
import { type Contender, type RoundOptions, takeRounds } from '../lib/rounds.ts';
import { memoryVault, sealedVault } from './device.ts';
import { catchUpInOne, catchUpOneByOne } from './plain.ts';
import { catchUpSealed, deliveries, freshDevice } from './sealed.ts';
import type { Workload } from './workload.ts';

export const sealed = ({ sealed }: Workload): Contender => ({
  name: 'sealed',
  async prepare() {
    const device = await freshDevice(sealed.account, memoryVault());
    const chunks = deliveries(sealed.frames);
    return () => catchUpSealed(device, chunks);
  },
});

export const intoSealedVault = ({ sealed }: Workload): Contender => ({
  name: 'sealed vault',
  async prepare() {
    const device = await freshDevice(sealed.account, await sealedVault());
    const chunks = deliveries(sealed.frames);
    return () => catchUpSealed(device, chunks);
  },
});

export const oneByOne = ({ plain }: Workload): Contender => ({
  name: 'one by one',
  prepare: () => async () => catchUpOneByOne(plain),
});

export const inOne = ({ plain }: Workload): Contender => ({
  name: 'one transaction',
  prepare: () => async () => catchUpInOne(plain),
});

/** @returns messages a second of each round, by the contender's name. */
export const takeRates = async (
  { messages }: Workload,
  contenders: readonly Contender[],
  rounds: RoundOptions,
): Promise<(name: string) => number[]> => {
  const times = await takeRounds(contenders, rounds);
  return (name) => times.get(name)!.map((ms) => (messages / ms) * 1000);
};

export const rateRow = (name: string, ours: readonly number[], peer: Measured): Result =>
  toResult({ suite: 'merge', case: name, unit: 'messages/s', better: 'higher' }, ours, [peer]);
