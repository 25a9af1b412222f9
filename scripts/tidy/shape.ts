// The shape of files: what each is stands in its first line, none is too long, tests lie where the runner looks.
import { isTestPath } from '../test/discover.ts';
import { type HouseCheck, isCode } from './tree.ts';

const MOST_LINES = 400;

export const checkLength: HouseCheck = (tree) =>
  tree.paths
    .filter((path) => isCode(path) || /\.(css|html|yml)$/.test(path))
    .flatMap((path) => {
      const lines = tree.read(path).trimEnd().split('\n').length;
      return lines > MOST_LINES
        ? [{ path, line: lines, message: `${lines} lines; at most ${MOST_LINES}, split it` }]
        : [];
    });

export const checkHeader: HouseCheck = (tree) =>
  tree.paths
    .filter(isCode)
    .filter((path) => !/^(?:#!.*\n)?(?:\/\/ |\/\*\*? )\S/.test(tree.read(path)))
    .map((path) => ({ path, line: 1, message: 'the first line does not say what this file is' }));

export const checkTestPlaces: HouseCheck = (tree) =>
  tree.paths
    .filter((path) => /\.test\.[a-z]+$/.test(path) && !isTestPath(path))
    .map((path) => ({ path, line: 1, message: 'the test runner does not look here' }));
