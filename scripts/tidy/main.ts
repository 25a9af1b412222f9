// `pnpm tidy`: the house checks, each a line `file:line: message`; exit code 1 when there is one.
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { checkClaims } from './claims.ts';
import { checkDocs } from './docs.ts';
import { checkCycles, checkDirection } from './imports.ts';
import { checkLinks } from './links.ts';
import { checkRules } from './rules.ts';
import { checkHeader, checkLength, checkTestPlaces } from './shape.ts';
import { type HouseCheck, treeAt } from './tree.ts';
import { checkForbiddenCalls, checkOwnPaths, checkWords } from './words.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const checks: readonly HouseCheck[] = [
  checkDirection,
  checkCycles,
  checkLinks,
  checkRules,
  checkWords,
  checkOwnPaths([root.replace(/\/$/, ''), homedir()]),
  checkForbiddenCalls,
  checkLength,
  checkHeader,
  checkTestPlaces,
  checkDocs,
  checkClaims,
];

const tree = treeAt(root);
const problems = checks.flatMap((check) => check(tree));
for (const { path, line, message } of problems) process.stdout.write(`${path}:${line}: ${message}\n`);
process.stdout.write(`${tree.paths.length} files, ${checks.length} checks, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
