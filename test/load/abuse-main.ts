// `pnpm abuse`: an honest load undisturbed, then the same beside everything in abuse.ts. Rules: see there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareAbuse } from './abused.ts';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((each) => each !== '--'),
  options: { seconds: { type: 'string', default: '60' } },
});
const data = await mkdtemp(join(tmpdir(), 'sealwire-abuse-'));
try {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { calm, abused, done } = await compareAbuse({ seconds: Number(values.seconds), data, say });
  for (const [name, { p50, p99, memory }] of Object.entries({ undisturbed: calm, abused }))
    process.stdout.write(
      `${name}: p50 ${p50} ms, p99 ${p99} ms, relay at most ${Math.max(...memory).toFixed(0)} MB\n`,
    );
  for (const [name, count] of done) process.stdout.write(`${name}: ${count}\n`);
} finally {
  await rm(data, { recursive: true, force: true });
}
