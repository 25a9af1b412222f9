// Runs many test files, several at once; files that must be alone run alone, after the others.
import type { TestFile } from './discover.ts';
import type { FileResult } from './run-file.ts';

export interface PoolOptions {
  /** Processes at once. */
  readonly jobs: number;
  readonly run: (file: TestFile) => Promise<FileResult>;
  readonly onDone: (result: FileResult) => void;
}

/** @returns the results, in the order in which the files ended. */
export async function runAll(files: readonly TestFile[], options: PoolOptions): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const drain = async (queue: TestFile[]): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const result = await options.run(file);
      results.push(result);
      options.onDone(result);
    }
  };
  // Longest first, as far as files say so: the last one to end is then a short one.
  const shared = files.filter((file) => !file.exclusive).sort(byTimeout);
  await Promise.all(Array.from({ length: options.jobs }, () => drain(shared)));
  await drain(files.filter((file) => file.exclusive));
  return results;
}

const byTimeout = (a: TestFile, b: TestFile): number => (b.timeoutMs ?? 0) - (a.timeoutMs ?? 0);
