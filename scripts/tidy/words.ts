// Words that have no place in the tree: open ends, paths of somebody's machine, package hosts, and in the
// packages what only programs may do (print) or nobody (weak randomness).
import { type HouseCheck, isCode, problemsIn } from './tree.ts';

// Written so that this file does not hold what it looks for.
const OPEN_END = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/g;
const MACHINE_PATH = /(?<![\w.~$}-])\/(?:home|Users|root|work|mnt|Volumes)\/[\w.-]+|\b[A-Z]:\\[\w.-]+/g;
const PACKAGE_HOST = /\bregistry\.npm(?:js|mirror)\b/g;
const PRINTS = /^(?!\s*(?:\*|\/\/)).*?\b(console\.\w+|process\.std(?:out|err)\.write)/gm;
const WEAK = /^(?!\s*(?:\*|\/\/)).*?\b(Math\.random|debugger\b)/gm;

export const checkWords: HouseCheck = (tree) =>
  tree.paths.flatMap((path) => [
    ...problemsIn(tree, path, OPEN_END, ([word]) => `${word}: finish it or leave it out`),
    ...problemsIn(tree, path, MACHINE_PATH, ([found]) => `${found} is a path of one machine`),
    ...problemsIn(
      tree,
      path,
      PACKAGE_HOST,
      ([found]) => `${found}: which host serves packages is the machine's business`,
    ),
  ]);

/** A home folder and a working folder are known only where the check runs; they must not stand anywhere. */
export const checkOwnPaths =
  (folders: readonly string[]): HouseCheck =>
  (tree) =>
    tree.paths.flatMap((path) =>
      folders
        .filter((folder) => folder.split('/').length > 2)
        .flatMap((folder) =>
          problemsIn(tree, path, literal(folder), ([found]) => `${found} is a path of this machine`),
        ),
    );

export const checkForbiddenCalls: HouseCheck = (tree) =>
  tree.paths
    .filter((path) => /^packages\/[^/]+\/src\//.test(path) && isCode(path))
    .flatMap((path) => [
      ...problemsIn(tree, path, PRINTS, (match) => `${match[1]}: packages do not print`),
      ...problemsIn(tree, path, WEAK, (match) => `${match[1]} has no place in a package`),
    ]);

const literal = (text: string): RegExp => new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'g');
