// `pnpm abuse`: an honest load undisturbed, then the same beside everything in abuse.ts. With `--frames N`: fuzzed messages
// until a relay has read so many, as noise.ts says. Rules: see there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareAbuse } from './abused.ts';
import { runNoise } from './noise.ts';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((each) => each !== '--'),
  options: {
    seconds: { type: 'string', default: '60' },
    frames: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const beside = async (data: string): Promise<void> => {
  const { calm, abused, done } = await compareAbuse({ seconds: Number(values.seconds), data, say });
  for (const [name, { p50, p99, memory }] of Object.entries({ undisturbed: calm, abused }))
    print(`${name}: p50 ${p50} ms, p99 ${p99} ms, relay at most ${Math.max(...memory).toFixed(0)} MB`);
  for (const [name, count] of done) print(`${name}: ${count}`);
};

const noise = async (frames: number, data: string): Promise<void> => {
  const { honest, connections, sent, read, malformed, seconds } = await runNoise({
    ...{ frames, seed: Number(values.seed), data, say },
  });
  const { appended, delivered, p50, p99, memory } = honest;
  print(
    `${read} fuzzed messages read of ${sent} sent on ${connections} connections in ${seconds.toFixed(0)} s`,
  );
  print(
    `${malformed} of them malformed, each the end of its connection; the others were answered or refused`,
  );
  print(
    `honest devices: ${appended} appended, ${delivered} delivered, none lost; p50 ${p50} ms, p99 ${p99} ms`,
  );
  const at = (part: number): string => memory[Math.floor(part * (memory.length - 1))]!.toFixed(0);
  print(
    `relay: ${at(0)} MB at first, ${at(0.5)} MB half-way, ${at(1)} MB at last, most ${Math.max(...memory).toFixed(0)} MB`,
  );
};

const data = await mkdtemp(join(tmpdir(), 'sealwire-abuse-'));
try {
  if (values.frames === undefined) await beside(data);
  else await noise(Number(values.frames), data);
} finally {
  await rm(data, { recursive: true, force: true });
}
