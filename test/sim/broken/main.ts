// `pnpm sim:broken [NAME…]`: runs the simulator in builds that are broken on purpose. Each must fail at some seed at which
// the build as it is passes. What is broken: builds.ts.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BrokenBuild, BUILDS, type Mutation } from './builds.ts';

/** Seeds until a build counts as not noticed. */
const SEEDS = 200;
/** No build needs as long. */
const PATIENCE_MS = 1_200_000;

interface Failed {
  readonly seed: number;
  readonly reason: string;
}

const root = new URL('../../../', import.meta.url);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const main = async (): Promise<void> => {
  const names = process.argv.slice(2);
  const builds = BUILDS.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
  if (builds.length === 0) throw new RangeError('no broken build has such a name');
  let missed = 0;
  for (const build of builds) {
    const began = performance.now();
    const verdict = await judge(build).catch((error: unknown) => `✘ ${String(error)}`);
    if (!verdict.startsWith('✓')) missed += 1;
    say(`${verdict.replace(' ', ` ${build.name}: `)} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
  }
  say(`${builds.length} broken builds, ${missed} not noticed`);
  process.exitCode = missed === 0 ? 0 : 1;
};

const judge = async (build: BrokenBuild): Promise<string> => {
  const failed = await run(mutationOf(build), 1, SEEDS);
  if (!failed) return `✘ no seed up to ${SEEDS} fails`;
  const sound = await run(undefined, failed.seed, 1);
  if (sound) return `✘ seed ${failed.seed} fails in the build as it is: ${sound.reason}`;
  return `✓ seed ${failed.seed} fails: ${failed.reason}`;
};

/** @throws TypeError if the source does not hold the snippet exactly once. */
const mutationOf = ({ name, file, snippet, broken }: BrokenBuild): Mutation => {
  const url = new URL(file, root).href;
  const times = readFileSync(new URL(url), 'utf8').split(snippet).length - 1;
  if (times !== 1) throw new TypeError(`${file} holds the snippet of "${name}" ${times} times, not once`);
  return { name, url, snippet, broken };
};

const run = (mutation: Mutation | undefined, from: number, count: number): Promise<Failed | undefined> =>
  new Promise((resolve, reject) => {
    const register = fileURLToPath(new URL('register.mjs', import.meta.url));
    const child = fileURLToPath(new URL('child.ts', import.meta.url));
    const imports = ['--import', register, '--import', 'tsx'];
    const started = spawn(
      process.execPath,
      ['--conditions=sealwire:source', ...imports, child, String(from), String(count), mutation?.name ?? ''],
      {
        cwd: fileURLToPath(root),
        env: { ...process.env, SEALWIRE_BROKEN: mutation ? JSON.stringify(mutation) : '' },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: PATIENCE_MS,
      },
    );
    let out = '';
    let errors = '';
    started.stdout.on('data', (bytes: Buffer) => {
      out += bytes.toString();
    });
    started.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    started.on('close', () => {
      const last = out.trim().split('\n').at(-1);
      if (last) resolve((JSON.parse(last) as Failed | null) ?? undefined);
      else reject(new Error(`the run did not end by itself: ${errors.slice(-300)}`));
    });
  });

await main();
