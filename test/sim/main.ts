// `pnpm sim [--seed N] [--seeds N [--from N]] [--log]`: runs the simulator. A failure prints the command that repeats it.

import { parseArgs } from 'node:util';
import { simulate } from './run.ts';
import { watch } from './watchdog.mjs';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    log: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const begins = watch(120_000, (seed) => `seed ${seed}: it never ends\n  again: pnpm sim --seed ${seed}`);
const total = new Map<string, number>();
const began = performance.now();
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  begins(seed);
  const report = await simulate(seed, { keepLog: values.log || values.seed !== undefined });
  for (const line of report.lines) say(line);
  for (const [kind, times] of report.counts) total.set(kind, (total.get(kind) ?? 0) + times);
  if (values.seed !== undefined)
    say(
      `${report.steps} steps, ${report.counts.get('words said') ?? 0} words, ${report.tookMs / 1000} s, ${report.digest}`,
    );
  if (report.failure) {
    failures += 1;
    say(`seed ${seed}: ${report.failure.stack ?? report.failure.message}\n  again: pnpm sim --seed ${seed}`);
  }
}
for (const [kind, times] of [...total].sort()) say(`${String(times).padStart(7)} ${kind}`);
const { user, system } = process.cpuUsage();
const cpu = `${((user + system) / 1000 / count).toFixed(0)} ms of CPU time each`;
say(
  `${count} seeds, ${failures} failed, ${((performance.now() - began) / count).toFixed(0)} ms a seed, ${cpu}`,
);
process.exitCode = failures > 0 ? 1 : 0;
