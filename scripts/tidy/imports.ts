// Who may import whom (ARCHITECTURE.md, "Packages"): direction, no way around a package's exports, nothing
// that the package.json does not declare, no cycles inside a package.
import { posix } from 'node:path';
import { type HouseCheck, isCode, lineAt, type Problem, type Tree } from './tree.ts';

/** Which packages of ours the sources of each area may import. Tests may import testkit besides. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'packages/protocol': [],
  'packages/core': ['@sealwire/protocol'],
  'packages/relay': ['@sealwire/protocol'],
  'packages/testkit': ['@sealwire/protocol'],
  'apps/relay': ['@sealwire/protocol', '@sealwire/relay'],
  'apps/ui': ['@sealwire/core', '@sealwire/protocol'],
  'apps/phone': ['@sealwire/core', '@sealwire/protocol', '@sealwire/ui'],
  'apps/web': ['@sealwire/core', '@sealwire/protocol', '@sealwire/ui'],
  bench: ['@sealwire/core', '@sealwire/protocol', '@sealwire/relay', '@sealwire/testkit'],
};

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased before it runs. */
  readonly typeOnly: boolean;
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /(?<!\w\.)\bimport\('([^'$]+)'\)/g;

/** All import and re-export specifiers of a formatted source. */
export function importsOf(text: string): Import[] {
  const statics = [...text.matchAll(STATIC)].map((match) => ({
    specifier: match[2] ?? '',
    line: lineAt(text, match.index + match[0].length),
    typeOnly: match[1] !== undefined,
  }));
  const dynamics = [...text.matchAll(DYNAMIC)].map((match) => ({
    specifier: match[1] ?? '',
    line: lineAt(text, match.index),
    typeOnly: false,
  }));
  return [...statics, ...dynamics];
}

/** The package or app that a file belongs to, `.` for what belongs to the workspace. */
export const areaOf = (path: string): string =>
  /^(?:(?:packages|apps)\/[^/]+|bench(?=\/))/.exec(path)?.[0] ?? '.';

export const checkDirection: HouseCheck = (tree) =>
  tree.paths.filter(isCode).flatMap((path) =>
    importsOf(tree.read(path)).flatMap((found) => {
      const message = found.specifier.startsWith('.')
        ? relativeFault(path, found.specifier)
        : bareFault(tree, path, found);
      return message === undefined ? [] : [{ path, line: found.line, message }];
    }),
  );

function relativeFault(path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  // Build configuration is loaded by node as it is, before any package can be resolved by our condition.
  if (/^apps\/[^/]+\/vite\.config\.ts$/.test(path) && target.startsWith('apps/ui/build/')) return undefined;
  if (areaOf(target) === areaOf(path)) {
    const intoTests = /^(?:packages|apps)\/[^/]+\/src\//.test(path) && /^[^/]+\/[^/]+\/test\//.test(target);
    return intoTests ? `sources do not import tests: ${specifier}` : undefined;
  }
  return `imports ${specifier} across packages; use the package's name`;
}

function bareFault(tree: Tree, path: string, { specifier, typeOnly }: Import): string | undefined {
  const name = /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? specifier;
  if (specifier.startsWith('node:') || specifier.startsWith('#')) return undefined;
  const area = areaOf(path);
  const inSources = path.startsWith(`${area}/src/`);
  if (name.startsWith('@sealwire/')) {
    const allowed = [...(ALLOWED[area] ?? []), ...(inSources ? [] : ['@sealwire/testkit'])];
    const own = manifestOf(tree, area)?.name;
    if (area !== '.' && name !== own && !allowed.includes(name)) return `${area} must not import ${name}`;
    if (!isExported(tree, name, specifier)) return `${specifier} is not among the exports of ${name}`;
  }
  return isDeclared(tree, area, name, inSources && !typeOnly)
    ? undefined
    : `${name} is not declared in ${area === '.' ? '' : `${area}/`}package.json`;
}

interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: object;
  readonly peerDependencies?: object;
  readonly devDependencies?: object;
}

function manifestOf(tree: Tree, area: string): Manifest | undefined {
  const path = area === '.' ? 'package.json' : `${area}/package.json`;
  return tree.paths.includes(path) ? (JSON.parse(tree.read(path)) as Manifest) : undefined;
}

// What runs in production must be a dependency; tests and types may come from the development ones.
function isDeclared(tree: Tree, area: string, name: string, production: boolean): boolean {
  const manifest = manifestOf(tree, area);
  if (!manifest || manifest.name === name) return manifest !== undefined;
  const has = (group: object | undefined): boolean => group !== undefined && name in group;
  if (has(manifest.dependencies) || has(manifest.peerDependencies)) return true;
  if (has(manifest.devDependencies) && (!production || area.startsWith('apps/'))) return true;
  return !production && area !== '.' && isDeclared(tree, '.', name, false);
}

function isExported(tree: Tree, name: string, specifier: string): boolean {
  const areas = new Set(tree.paths.map(areaOf));
  const manifest = [...areas].map((area) => manifestOf(tree, area)).find((found) => found?.name === name);
  const wanted = `.${specifier.slice(name.length)}`;
  return Object.keys(manifest?.exports ?? {}).some((key) =>
    key.endsWith('*') ? wanted.startsWith(key.slice(0, -1)) && !wanted.includes('/src/') : key === wanted,
  );
}

/** Cycles of imports that exist at run time; those of types alone are erased and harmless. */
export const checkCycles: HouseCheck = (tree) => {
  const problems: Problem[] = [];
  const edges = new Map<string, Import[]>();
  for (const path of tree.paths.filter(isCode)) {
    edges.set(
      path,
      importsOf(tree.read(path)).filter((found) => found.specifier.startsWith('.') && !found.typeOnly),
    );
  }
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    state.set(path, 'open');
    trail.push(path);
    for (const { specifier, line } of edges.get(path) ?? []) {
      const target = posix.join(posix.dirname(path), specifier);
      if (state.get(target) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(target)), target].join(' → ');
        problems.push({ path, line, message: `import cycle: ${cycle}` });
      } else if (edges.has(target) && !state.has(target)) visit(target);
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const path of edges.keys()) if (!state.has(path)) visit(path);
  return problems;
};
