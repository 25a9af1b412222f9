// Runs a part of a suite in a fresh process, so that memory and a cold start are its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Enough for the largest chat; a process that needs more than this should fail. */
const HEAP_MIB = 12_288;

/**
 * @param program - URL of a module that prints one line of JSON.
 * @throws Error with what it said, if it fails.
 */
export const runChild = async <T>(program: string, ...args: readonly string[]): Promise<T> => {
  const flags = ['--conditions=sealwire:source', '--import', 'tsx', '--expose-gc'];
  const child = spawn(
    process.execPath,
    [...flags, `--max-old-space-size=${HEAP_MIB}`, fileURLToPath(program), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  let said = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}: ${said}`);
  return JSON.parse(out) as T;
};
