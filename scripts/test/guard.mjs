// Loaded into every test process: counts registered tests, since uvu forgets those whose suite never ran
// and those that a stray .only pushed aside. Reports to file descriptor 3 when the process exits.
import { writeSync } from 'node:fs';
import { register } from 'node:module';

const counted = { tests: 0, only: 0 };
globalThis.SEALWIRE_UVU = counted;
register('./guard-hooks.mjs', import.meta.url);

process.on('exit', () => {
  writeSync(3, JSON.stringify({ registered: counted.tests, only: counted.only }));
});
