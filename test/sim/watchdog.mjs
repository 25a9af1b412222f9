// A thread beside the simulator that ends a seed which never does, as when promises follow each other for ever.
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const LOOK_MS = 1_000;

/**
 * @param {number} patienceMs - of real time, far beyond what any seed needs.
 * @param {(seed: string) => string} lineOf - what is written to standard output before the process is killed.
 * @returns {(seed: number) => void} to be told of each seed as it begins.
 */
export const watch = (patienceMs, lineOf) => {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const line = lineOf('SEED');
  const worker = new Worker(new URL(import.meta.url), { workerData: { shared, patienceMs, line } });
  worker.unref();
  return (seed) => void Atomics.store(shared, 0, seed);
};

if (!isMainThread && workerData?.shared) {
  const { shared, patienceMs, line } = workerData;
  let last = 0;
  let since = Date.now();
  setInterval(() => {
    const seed = Atomics.load(shared, 0);
    if (seed !== last) since = Date.now();
    last = seed;
    if (seed === 0 || Date.now() - since < patienceMs) return;
    writeSync(1, `${line.replaceAll('SEED', String(seed))}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, LOOK_MS);
}
