// Packs the published packages, installs the tarballs into an empty folder with npm, and uses them there as
// a stranger would: plain node, and the types without our source condition. Tests on sources never see this.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExamples } from './examples.ts';
import { run } from './run.ts';

const PACKAGES = ['protocol', 'core', 'relay'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** @returns what went wrong, undefined when the packed packages work. */
export async function packedInstall(root: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-packed-'));
  try {
    return await tryIn(root, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryIn(root: string, folder: string): Promise<string | undefined> {
  const tarballs = join(folder, 'tarballs');
  mkdirSync(tarballs);
  for (const name of PACKAGES) {
    const packed = await run(join(root, 'packages', name), ['pnpm', 'pack', '--pack-destination', tarballs]);
    if (packed.code !== 0) return `pnpm pack ${name}\n${packed.output}`;
  }
  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  const manifests = PACKAGES.map((name) => readManifest(join(root, 'packages', name)));
  writeConsumer(consumer, tarballs, manifests, root);
  const install = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const installed = await run(consumer, install);
  if (installed.code !== 0) return `${install.join(' ')}\n${installed.output}`;

  const problems = [
    ...manifests.flatMap((manifest) => manifestProblems(consumer, manifest)),
    await importAll(consumer, manifests),
    await typeCheck(consumer, root, manifests),
    await examples(consumer, root),
  ].filter((problem) => problem !== undefined);
  return problems.length === 0 ? undefined : problems.join('\n');
}

function writeConsumer(
  consumer: string,
  tarballs: string,
  manifests: readonly Manifest[],
  root: string,
): void {
  const dependencies: Record<string, string> = {};
  for (const manifest of manifests) Object.assign(dependencies, manifest.peerDependencies);
  for (const file of readdirSync(tarballs)) {
    const owner = manifests.find(({ name }) => file.startsWith(`${name.slice(1).replace('/', '-')}-`));
    if (!owner) throw new Error(`no package of ours is called like ${file}`);
    dependencies[owner.name] = `file:../tarballs/${file}`;
  }
  // The types that a consumer in TypeScript on Node brings along.
  for (const name of ['@types/node', '@types/ws']) dependencies[name] = installedVersion(root, name);
  writeFileSync(
    join(consumer, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies }),
  );
}

/** What pnpm must have rewritten, and what must have been packed. */
function manifestProblems(consumer: string, { name }: Manifest): string[] {
  const packed = readManifest(join(consumer, 'node_modules', name));
  const ranges = { ...packed.dependencies, ...packed.devDependencies, ...packed.peerDependencies };
  const left = Object.entries(ranges).filter(([, range]) => /^(workspace|catalog):/.test(range));
  const missing = targets(packed.exports).filter(
    (path) => !existsSync(join(consumer, 'node_modules', name, path)),
  );
  return [
    ...left.map(([dependency, range]) => `${name}: still asks for ${dependency}@${range}`),
    ...missing.map((path) => `${name}: exports ${path}, which is not in the tarball`),
  ];
}

// Conditions for sources are ours alone: nobody outside sets them, and sources are not packed.
function targets(exports: unknown): string[] {
  if (typeof exports === 'string') return [exports];
  return Object.entries(exports as Record<string, unknown>)
    .filter(([key]) => key !== 'sealwire:source')
    .flatMap(([, value]) => targets(value));
}

/** Every entry point that is for Node loads; those for browsers only must at least resolve. */
async function importAll(consumer: string, manifests: readonly Manifest[]): Promise<string | undefined> {
  const lines = entryPoints(manifests).map((entry) =>
    entry.endsWith('/browser') ? `import.meta.resolve('${entry}');` : `await import('${entry}');`,
  );
  writeFileSync(join(consumer, 'import-all.mjs'), `${lines.join('\n')}\n`);
  const { code, output } = await run(consumer, [process.execPath, 'import-all.mjs'], { NODE_OPTIONS: '' });
  return code === 0 ? undefined : `importing the packed packages\n${output}`;
}

/** The declarations hold together without our condition and without skipLibCheck for our own files. */
async function typeCheck(
  consumer: string,
  root: string,
  manifests: readonly Manifest[],
): Promise<string | undefined> {
  const names = entryPoints(manifests).map(
    (entry, i) => `import * as m${i} from '${entry}';\nexport const e${i}: object = m${i};`,
  );
  writeFileSync(join(consumer, 'all.ts'), `${names.join('\n')}\n`);
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'ES2022',
    '--lib',
    'ES2023,DOM,DOM.Iterable',
  ];
  const modules = ['--module', 'NodeNext', '--moduleResolution', 'NodeNext', '--types', 'node'];
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { code, output } = await run(consumer, [tsc, ...options, ...modules, 'all.ts']);
  return code === 0 ? undefined : `type check against the packed packages\n${output}`;
}

async function examples(consumer: string, root: string): Promise<string | undefined> {
  const source = join(root, 'examples');
  if (existsSync(source)) cpSync(source, join(consumer, 'examples'), { recursive: true });
  const problem = await runExamples(consumer, join(consumer, 'examples'));
  return problem === undefined ? undefined : `examples with the packed packages\n${problem}`;
}

/** What others can import: an entry that has nothing but our source condition is for our own tests. */
const entryPoints = (manifests: readonly Manifest[]): string[] =>
  manifests.flatMap(({ name, exports }) =>
    Object.entries(exports)
      .filter(([, value]) => targets(value).length > 0)
      .map(([path]) => (path === '.' ? name : `${name}/${path.slice(2)}`)),
  );

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

const installedVersion = (root: string, name: string): string =>
  readManifest(join(root, 'node_modules', name)).version;
