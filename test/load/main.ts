// `pnpm load`: load on a relay process on this machine, bounded. Prints what came of it. Rules: see load.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runLoad } from './load.ts';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((each) => each !== '--'),
  options: {
    connections: { type: 'string', default: '10000' },
    rooms: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '1000' },
  },
});
const data = await mkdtemp(join(tmpdir(), 'sealwire-load-'));
try {
  const { appended, delivered, p50, p99, memory } = await runLoad({
    connections: Number(values.connections),
    rooms: Number(values.rooms),
    seconds: Number(values.minutes) * 60,
    perSecond: Number(values.rate),
    data,
    say: (line) => void process.stderr.write(`${line}\n`),
  });
  process.stdout.write(
    `${appended} appended, ${delivered} delivered: none lost, doubled or reordered. ` +
      `p50 ${p50} ms, p99 ${p99} ms. Relay: ${memory.map((each) => each.toFixed(0)).join(', ')} MB.\n`,
  );
} finally {
  await rm(data, { recursive: true, force: true });
}
