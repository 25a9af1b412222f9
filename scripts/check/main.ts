// `pnpm check [NAME…]`: format, lint, types, build, house checks, examples, an install of the packed packages.
// All run, even when one fails; the last line is "N passed, N failed, N skipped", one for each check.
import { fileURLToPath } from 'node:url';
import { runExamples } from './examples.ts';
import { packedInstall } from './packed.ts';
import { type Check, command, runChecks, table } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = `${root}node_modules/.bin`;
const node = [process.execPath, '--conditions=sealwire:source', '--import', 'tsx'];

const checks: Check[] = [
  {
    name: 'format and lint',
    run: command(root, [`${bin}/biome`, 'ci', '--colors=off', '--error-on-warnings', '.']),
  },
  { name: 'types', run: command(root, [`${bin}/tsc`, '--noEmit', '-p', '.']) },
  { name: 'tidy', run: command(root, [...node, 'scripts/tidy/main.ts']) },
  { name: 'build', run: command(root, [`${bin}/turbo`, 'run', 'build', '--output-logs=errors-only']) },
  { name: 'examples', run: () => runExamples(root, `${root}examples`) },
  { name: 'packed install', run: () => packedInstall(root) },
];

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const names = process.argv.slice(2).filter((arg) => arg !== '--');
const chosen = checks.filter(
  (check) => names.length === 0 || names.some((name) => check.name.includes(name)),
);
const outcomes = await runChecks(chosen, say);
for (const line of table(outcomes)) say(line);
const failed = outcomes.filter((outcome) => outcome.problem !== undefined).length;
process.exitCode = failed === 0 && outcomes.length > 0 ? 0 : 1;
say(`${outcomes.length - failed} passed, ${failed} failed, 0 skipped`);
