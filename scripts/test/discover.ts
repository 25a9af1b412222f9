// Finds the test files of the workspace and reads what each says about itself in its first lines.
// What a file may say there: CONTRIBUTING.md, "Tests".
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** One test file, as its path and its first comment lines describe it. */
export interface TestFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  /** Undefined when the file declares none. */
  readonly timeoutMs: number | undefined;
  /** Runs alone, after all others. */
  readonly exclusive: boolean;
  /** `chromium`, `strace`, `faketime`, `nats`, `build`. */
  readonly needs: ReadonlySet<Need>;
  /** Only part of the slow run: under test/slow, or named *.slow.test.ts. */
  readonly slowOnly: boolean;
  /** Runs in the slow run too, and does more there: it reads SEALWIRE_SLOW, or says `// slow`. */
  readonly slowVariant: boolean;
}

export type Need = 'chromium' | 'strace' | 'faketime' | 'nats' | 'build';

const NEEDS: readonly string[] = ['chromium', 'strace', 'faketime', 'nats', 'build'] satisfies Need[];
const PLACES = [
  /^packages\/[^/]+\/test\/.*\.test\.ts$/,
  /^apps\/[^/]+\/test\/.*\.test\.tsx?$/,
  /^(test|bench|scripts)\/.*\.test\.ts$/,
];
const NOT_ENTERED = new Set([
  'node_modules',
  'dist',
  'fixtures',
  '.git',
  '.turbo',
  '.sealwire',
  'tmp',
  'out',
]);
const HEAD_LINES = 12;
const SLOW_READ = 'process.env.SEALWIRE_SLOW';

/** True when the runner runs the file at this path (relative, forward slashes). */
export const isTestPath = (path: string): boolean =>
  PLACES.some((place) => place.test(path)) && !path.split('/').some((part) => NOT_ENTERED.has(part));

/**
 * All test files below `root`, sorted by path.
 *
 * @throws RangeError naming the file, when its first lines hold a directive that cannot be understood.
 */
export function discover(root: string): TestFile[] {
  return walk(root, root)
    .filter(isTestPath)
    .sort()
    .map((path) => describeFile(path, readFileSync(join(root, path), 'utf8')));
}

/**
 * Reads the directives of one file: `// timeout: 180s`, `// exclusive`, `// slow`,
 * `// needs: chromium, strace, faketime, nats, build`.
 * Tests that drive playwright-core need chromium without saying so.
 */
export function describeFile(path: string, text: string): TestFile {
  const head = text.split('\n', HEAD_LINES).filter((line) => line.startsWith('//'));
  const needs = new Set<Need>();
  let timeoutMs: number | undefined;
  let exclusive = false;
  let slow = false;
  for (const line of head) {
    const timeout = /^\/\/ timeout: (.*)$/.exec(line);
    if (timeout) timeoutMs = parseDuration(timeout[1] ?? '', path);
    const wanted = /^\/\/ needs: (.*)$/.exec(line);
    if (wanted) for (const name of (wanted[1] ?? '').split(/[, ]+/)) needs.add(parseNeed(name, path));
    if (/^\/\/ exclusive\b/.test(line)) exclusive = true;
    if (/^\/\/ slow\b/.test(line)) slow = true;
  }
  if (/from 'playwright-core'/.test(text)) needs.add('chromium');
  return {
    path,
    timeoutMs,
    exclusive,
    needs,
    slowOnly: path.startsWith('test/slow/') || /\.slow\.test\.tsx?$/.test(path),
    slowVariant: slow || text.includes(SLOW_READ),
  };
}

/** `90s`, `2m` or `1500ms` in milliseconds. @throws RangeError naming `where`. */
export function parseDuration(text: string, where: string): number {
  const found = /^(\d+)(ms|s|m)$/.exec(text.trim());
  if (!found || Number(found[1]) === 0)
    throw new RangeError(`${where}: "${text}" is no duration such as 180s`);
  return Number(found[1]) * { ms: 1, s: 1_000, m: 60_000 }[found[2] as 'ms' | 's' | 'm'];
}

function parseNeed(name: string, path: string): Need {
  if (!NEEDS.includes(name)) throw new RangeError(`${path}: needs "${name}", known are ${NEEDS.join(', ')}`);
  return name as Need;
}

function walk(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_ENTERED.has(entry.name) ? [] : walk(root, path);
    return entry.isFile() ? [relative(root, path).split(sep).join('/')] : [];
  });
}
