// A module hook that makes uvu count into globalThis.SEALWIRE_UVU what is registered. See guard.mjs.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const REGISTER = 'const into = (ctx, key) => (name, handler) => ctx[key].push({ name, handler });';
const COUNTED =
  'const into = (ctx, key) => (name, handler) => { globalThis.SEALWIRE_UVU[key]++; ctx[key].push({ name, handler }); };';

/** Node's `load` hook. Throws when uvu is not the version that this was written for. */
export async function load(url, context, nextLoad) {
  if (!/\/uvu\/dist\/index\.(mjs|js)$/.test(url)) return nextLoad(url, context);
  if (url.endsWith('.js')) throw new Error('uvu was loaded as CommonJS; import it from an ES module');
  const source = await readFile(fileURLToPath(url), 'utf8');
  if (!source.includes(REGISTER))
    throw new Error('uvu has changed: adapt scripts/test/guard-hooks.mjs to it');
  return { format: 'module', shortCircuit: true, source: source.replace(REGISTER, COUNTED) };
}
