// Loaded into every test process: counts registered tests, since uvu forgets those whose suite never ran
// and those that a stray .only pushed aside. Reports to file descriptor 3 when the process exits.
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Threads and processes that a test starts inherit the flag that loads this; only the test file itself reports.
if (isMainThread && process.env.SEALWIRE_TEST_RUNNER === String(process.ppid)) {
  const counted = { tests: 0, only: 0 };
  globalThis.SEALWIRE_UVU = counted;
  register('./guard-hooks.mjs', import.meta.url);
  process.on('exit', () => {
    writeSync(3, JSON.stringify({ registered: counted.tests, only: counted.only }));
  });
}
