// The test runner's command line, and which of the files it asks for.
import { parseDuration, type TestFile } from './discover.ts';

export interface Options {
  /** Parts of paths; a file runs when it holds any of them, or when there are none. */
  readonly filters: readonly string[];
  /** Run only what is slow, with SEALWIRE_SLOW=1. */
  readonly slow: boolean;
  readonly timeoutMs: number;
  readonly jobs: number | undefined;
  readonly list: boolean;
}

const TIMEOUT_MS = 120_000;
const SLOW_TIMEOUT_MS = 600_000;

/** @throws RangeError for an option that there is not. */
export function parseArguments(args: readonly string[]): Options {
  const filters: string[] = [];
  let slow = false;
  let list = false;
  let timeoutMs: number | undefined;
  let jobs: number | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') continue;
    else if (arg === '--slow') slow = true;
    else if (arg === '--list') list = true;
    else if (arg === '--timeout') timeoutMs = parseDuration(args[++i] ?? '', '--timeout');
    else if (arg === '--jobs') jobs = parseJobs(args[++i] ?? '');
    else if (arg.startsWith('-')) throw new RangeError(`there is no option ${arg}`);
    else filters.push(arg);
  }
  return { filters, slow, list, jobs, timeoutMs: timeoutMs ?? (slow ? SLOW_TIMEOUT_MS : TIMEOUT_MS) };
}

/** The slow run holds the slow files and those that do more with SEALWIRE_SLOW=1; the usual run all but slow files. */
export function select(files: readonly TestFile[], options: Pick<Options, 'filters' | 'slow'>): TestFile[] {
  return files
    .filter((file) => (options.slow ? file.slowOnly || file.slowVariant : !file.slowOnly))
    .filter(
      (file) => options.filters.length === 0 || options.filters.some((part) => file.path.includes(part)),
    );
}

function parseJobs(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new RangeError(`--jobs ${text} is no number from 1 to 99`);
  return Number(text);
}
