// What the house checks look at: the files of the repository, by path, and what a check finds in them.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Tree {
  /** Relative paths with forward slashes, sorted: tracked files, and new ones that git does not ignore. */
  readonly paths: readonly string[];
  /** Pictures and the like, which no check reads but links may lead to. */
  readonly binaries: readonly string[];
  /** The file's text. @throws Error if it is not in `paths`. */
  readonly read: (path: string) => string;
}

export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** One house check: what breaks the rule, empty when nothing does. */
export type HouseCheck = (tree: Tree) => Problem[];

const BINARY = /\.(png|jpg|ico|webp|woff2|y4m|bin|pdf|zip)$/;

/** The repository at `root`, without binary files. */
export function treeAt(root: string): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const all = [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .sort();
  const paths = all.filter((path) => !BINARY.test(path));
  const texts = new Map<string, string>();
  return {
    paths,
    binaries: all.filter((path) => BINARY.test(path)),
    read: (path) => {
      const text = texts.get(path) ?? readFileSync(join(root, path), 'utf8');
      texts.set(path, text);
      return text;
    },
  };
}

/** A tree made of texts, for tests. */
export function treeOf(files: Readonly<Record<string, string>>): Tree {
  return {
    paths: Object.keys(files).sort(),
    binaries: [],
    read: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`${path} is not in the tree`);
      return text;
    },
  };
}

export const isCode = (path: string): boolean => /\.(ts|tsx|mts|mjs|js)$/.test(path);

export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Every match of a global pattern as a problem. */
export function problemsIn(
  tree: Tree,
  path: string,
  pattern: RegExp,
  message: (match: RegExpExecArray) => string,
): Problem[] {
  const text = tree.read(path);
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    message: message(match as RegExpExecArray),
  }));
}
