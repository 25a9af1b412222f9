// Bundles TypeScript sources for tests that run them elsewhere: in a page, or in a child process that must start fast.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

/** @param entry - path of a source file. @returns one ES module for a page. */
export const bundleForPage = async (entry: string): Promise<string> => {
  const { outputFiles } = await build({ ...SHARED, entryPoints: [entry], platform: 'browser', write: false });
  return outputFiles![0]!.text;
};

/**
 * @param entry - path of a source file.
 * @returns the path of one ES module that Node runs as it is, and what removes it.
 */
export const bundleForNode = async (
  entry: string,
): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bundle-'));
  const path = join(folder, 'main.mjs');
  await build({
    ...SHARED,
    entryPoints: [entry],
    platform: 'node',
    outfile: path,
    // CommonJS packages in the bundle call require, which modules do not have.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
};

const SHARED: BuildOptions = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['sealwire:source'],
  logLevel: 'error',
};
