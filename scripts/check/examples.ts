// Runs every program of examples/ as a reader would: plain node, built packages, no flags.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

const MOST_LINES = 60;
const WATCHDOG_MS = 60_000;

/**
 * @param folder - holds the programs, `*.mjs`.
 * @param cwd - where node starts; it finds the packages from `folder` upwards.
 * @returns what went wrong, undefined when all ended well.
 */
export async function runExamples(cwd: string, folder: string): Promise<string | undefined> {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.mjs')) : [];
  if (names.length === 0) return `there is no example (*.mjs) in ${folder}`;
  const problems: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').length;
    if (lines > MOST_LINES) problems.push(`${name}: ${lines} lines, at most ${MOST_LINES} are an example`);
    const { code, output } = await run(cwd, ['timeout', String(WATCHDOG_MS / 1000), process.execPath, path], {
      NODE_OPTIONS: '',
    });
    if (code !== 0)
      problems.push(`${name}: exit code ${code}${code === 124 ? ' (timed out)' : ''}\n${output}`);
    else if (output.trim() === '') problems.push(`${name}: printed nothing`);
  }
  return problems.length === 0 ? undefined : problems.join('\n');
}
