// Runs seeds in one broken build until the first that fails. `child.ts FROM COUNT NAME`; the last line is JSON.
import { simulate } from '../run.ts';

const [from, count, name] = process.argv.slice(2);
const mark: unknown = Reflect.get(globalThis, Symbol.for('sealwire.broken'));
if ((mark ?? '') !== name) throw new Error(`this build is not broken as it should be: ${String(mark)}`);

let failed: { readonly seed: number; readonly reason: string } | undefined;
for (let seed = Number(from); !failed && seed < Number(from) + Number(count); seed++) {
  const { failure } = await simulate(seed);
  if (failure) failed = { seed, reason: failure.message };
}
process.stdout.write(`${JSON.stringify(failed ?? null)}\n`);
process.exit(0);
