// The rules of spec/*.md and the tests that carry their numbers: every rule has a test, every number that
// anything cites exists, none is given twice.
import { type HouseCheck, lineAt, type Problem, type Tree } from './tree.ts';

interface Place {
  readonly path: string;
  readonly line: number;
}

const DEFINITION = /^- \*\*([A-Z]{2,4}\d{1,3})\*\*(?=\s)/gm;
const IN_TITLE = /(?<=['"`\]] ?)\[((?:[A-Z]{2,4}\d{1,3})(?:,? [A-Z]{2,4}\d{1,3})*)\]/g;
const IN_VECTOR = /"rules?":\s*(\[[^\]]*\]|"[^"]*")/g;
const ID = /[A-Z]{2,4}\d{1,3}/g;

export const checkRules: HouseCheck = (tree) => {
  const problems: Problem[] = [];
  const defined = new Map<string, Place>();
  for (const path of tree.paths.filter((path) => /^spec\/[^/]+\.md$/.test(path))) {
    for (const { id, line } of idsBy(tree, path, DEFINITION)) {
      const first = defined.get(id);
      if (first)
        problems.push({ path, line, message: `${id} is given twice, first at ${first.path}:${first.line}` });
      else defined.set(id, { path, line });
    }
  }
  const tested = testedIds(tree);
  for (const [id, place] of defined) {
    if (!tested.has(id)) problems.push({ ...place, message: `no test carries [${id}] in its title` });
  }
  for (const [id, place] of tested) {
    if (!defined.has(id)) problems.push({ ...place, message: `${id} is no rule of spec/` });
  }
  return [...problems, ...citations(tree, defined, tested)];
};

/** Titles stand in test files and in testkit's contract suites; vectors name the rule that they break. */
export function testedIds(tree: Tree): Map<string, Place> {
  const tested = new Map<string, Place>();
  for (const path of tree.paths) {
    const pattern = holdsTitles(path)
      ? IN_TITLE
      : /^spec\/vectors\/.*\.json$/.test(path)
        ? IN_VECTOR
        : undefined;
    if (!pattern) continue;
    for (const { id, line } of idsBy(tree, path, pattern))
      if (!tested.has(id)) tested.set(id, { path, line });
  }
  return tested;
}

const holdsTitles = (path: string): boolean =>
  (/\.test\.tsx?$/.test(path) && !path.startsWith('scripts/')) ||
  /^packages\/testkit\/src\/.*\.ts$/.test(path);

/** Comments and pages speak of rules too. An id counts as cited when its letters are those of a spec. */
function citations(
  tree: Tree,
  defined: ReadonlyMap<string, Place>,
  tested: ReadonlyMap<string, Place>,
): Problem[] {
  const prefixes = new Set([...defined.keys()].map((id) => id.replace(/\d+/, '')));
  if (prefixes.size === 0) return [];
  const cited = new RegExp(`(?<![\\w+/=-])(?:${[...prefixes].join('|')})\\d{1,3}(?![\\w+/=])`, 'g');
  return tree.paths
    .filter((path) => /\.(md|ts|tsx|mjs)$/.test(path) && !path.startsWith('scripts/'))
    .flatMap((path) => idsBy(tree, path, cited).map(({ id, line }) => ({ path, line, id })))
    .filter(({ id }) => !defined.has(id) && !tested.has(id))
    .map(({ path, line, id }) => ({ path, line, message: `${id} is no rule of spec/` }));
}

function idsBy(tree: Tree, path: string, pattern: RegExp): { id: string; line: number }[] {
  const text = tree.read(path);
  return [...text.matchAll(pattern)].flatMap((match) =>
    [...(match[1] ?? match[0]).matchAll(ID)].map(([id]) => ({ id, line: lineAt(text, match.index) })),
  );
}
