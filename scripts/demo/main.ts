// `pnpm demo`: the whole story without a browser. See options.ts for its flags.
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoOptions, HELP, parseOptions } from './options.ts';
import { tellStory } from './story.ts';

const main = async (options: DemoOptions): Promise<number> => {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'sealwire-demo-')));
  const startedAt = performance.now();
  const tell = (text: string): void => {
    if (!options.json)
      process.stdout.write(`${(performance.now() - startedAt).toFixed(0).padStart(7)} ms  ${text}\n`);
  };
  try {
    await mkdir(data, { recursive: true });
    if (options.out) await mkdir(options.out, { recursive: true });
    const result = await tellStory(options, data, tell);
    if (options.out) await cp(join(data, 'relay'), join(options.out, 'relay'), { recursive: true });
    process.stdout.write(`${JSON.stringify(result, null, options.json ? 0 : 2)}\n`);
    return result.converged && !result.plaintextFoundOnRelay ? 0 : 1;
  } finally {
    if (!options.data) await rm(data, { recursive: true, force: true });
  }
};

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
