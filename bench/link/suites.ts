// A part of the link suite: what suite 2 costs a person who links a device, beside suite 1. What is measured and what is not:
// README.md.
import { toResult } from '../lib/result.ts';
import { type Contender, takeRounds } from '../lib/rounds.ts';
import type { SuiteRun } from '../lib/suite.ts';
import { openDevices } from './devices.ts';
import { KEY_WORK, requireAgreement, talk } from './work.ts';

export interface LinkingSizes {
  readonly links: number;
  readonly rounds: number;
  /** Runs of pure work for one sample. */
  readonly repeat: number;
}

export const runSuites = async ({ say }: SuiteRun, { links, rounds, repeat }: LinkingSizes) => {
  await requireAgreement();
  const row = (name: string, times: ReadonlyMap<string, readonly number[]>) =>
    toResult({ suite: 'link', case: name, unit: 'ms', better: 'lower' }, times.get('suite 2')!, [
      { name: 'suite 1', version: process.versions.node, samples: times.get('suite 1')! },
    ]);
  const both = (contender: (suite: 1 | 2) => Contender['prepare']): Contender[] =>
    ([1, 2] as const).map((suite) => ({ name: `suite ${suite}`, prepare: contender(suite) }));
  const of = (most: number, repeat: number) => ({ least: most, most, until: 0, repeat });

  say('pure work, without a relay');
  const cpu = await takeRounds(
    both((suite) => () => () => talk(suite)),
    of(rounds, repeat),
  );
  const results = [row('suite-2/channel', cpu)];
  for (const [name, prepare] of KEY_WORK)
    results.push(row(`suite-2/${name}`, await takeRounds(both(prepare), of(rounds, repeat))));

  say('devices over a relay');
  const devices = await openDevices();
  try {
    const linked = await takeRounds(
      both((suite) => () => devices.prepare(suite)),
      { ...of(links, 1), say },
    );
    results.unshift(row('suite-2/devices', linked));
  } finally {
    await devices.end();
  }
  return {
    results,
    notes: ['suite 2 adds 1,184 bytes to the cell and 1,088 to the first message of a link'],
  };
};
