// Everything that a program loads: its sources' imports and its packages' dependencies, followed to the end.
// Rules: spec/relay-protocol.md §1.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Closure {
  /** Names of all packages, with one way that leads to each, for the message of a failure. */
  readonly packages: ReadonlyMap<string, string>;
  /** Source files that were read. */
  readonly files: number;
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Static and dynamic imports, re-exports, and require. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"]([^'"\n]+)['"]/g;

/**
 * Walks from package folders: what their sources import, what their package.json asks for, and the same of every
 * package found, as it is installed.
 *
 * @param roots - absolute folders with a package.json.
 * @throws Error if a dependency that must be there is not installed: an unseen package proves nothing.
 */
export const closureOf = (roots: readonly string[]): Closure => {
  const packages = new Map<string, string>();
  const seen = new Set<string>();
  let files = 0;
  const visit = (folder: string, way: string): void => {
    const real = realpathSync(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const manifest = JSON.parse(readFileSync(join(real, 'package.json'), 'utf8')) as Manifest;
    const name = manifest.name ?? real;
    const here = way === '' ? name : `${way} → ${name}`;
    packages.set(name, here);
    const must = Object.keys(manifest.dependencies ?? {});
    const may = Object.keys({ ...manifest.optionalDependencies, ...manifest.peerDependencies });
    const imported: string[] = [];
    for (const file of sourcesOf(real)) {
      files++;
      imported.push(...packagesImportedBy(readFileSync(file, 'utf8')));
    }
    for (const other of new Set([...must, ...may, ...imported])) {
      if (other === name) continue;
      // Named even where it is not installed: wanting it is enough.
      if (!packages.has(other)) packages.set(other, `${here} → ${other}`);
      const installed = locate(real, other);
      if (installed) visit(installed, here);
      else if (must.includes(other) && !isOptional(manifest, other))
        throw new Error(`${other} of ${name} is not installed`);
    }
  };
  for (const root of roots) visit(root, '');
  return { packages, files };
};

const isOptional = (manifest: Manifest, name: string): boolean =>
  name in (manifest.optionalDependencies ?? {});

/** Our own packages are read in source; of others the package.json speaks. */
const sourcesOf = (folder: string): string[] => {
  const source = join(folder, 'src');
  if (folder.includes('node_modules') || !existsSync(source)) return [];
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
};

/** Package names in a source's imports; type-only ones too, since they name what the author thinks of. */
const packagesImportedBy = (text: string): string[] =>
  [...text.matchAll(IMPORT)]
    .map((match) => match[1]!)
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map((specifier) => /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)![0]);

/** Where node finds a package from a folder. */
const locate = (from: string, name: string): string | undefined => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
};
