// Runs seeds in one broken build until the first that fails. `child.ts FROM COUNT NAME`; the last line is JSON.
import { simulate } from '../run.ts';
import { watch } from '../watchdog.mjs';

const [from, count, name] = process.argv.slice(2);
const mark: unknown = Reflect.get(globalThis, Symbol.for('sealwire.broken'));
if ((mark ?? '') !== name) throw new Error(`this build is not broken as it should be: ${String(mark)}`);

const begins = watch(45_000, (seed) => `{"seed":${seed},"reason":"it never ends"}`);
let failed: { readonly seed: number; readonly reason: string } | undefined;
for (let seed = Number(from); !failed && seed < Number(from) + Number(count); seed++) {
  begins(seed);
  const { failure } = await simulate(seed);
  if (failure) failed = { seed, reason: failure.message };
}
process.stdout.write(`${JSON.stringify(failed ?? null)}\n`);
process.exit(0);
