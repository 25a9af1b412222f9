// What SECURITY.md and spec/threats.md claim must be shown by something: the last column of their tables names, in code
// spans, rules that tests carry and files that are there.
import { testedIds } from './rules.ts';
import type { HouseCheck, Problem, Tree } from './tree.ts';

const PAGES = ['SECURITY.md', 'spec/threats.md'];
const SHOWN_BY = /shown by\s*\|$/i;
const RULE = /^\[([A-Z]{2,4}\d{1,3})\]$/;

export const checkClaims: HouseCheck = (tree) => {
  const tested = new Set(testedIds(tree).keys());
  return PAGES.filter((path) => tree.paths.includes(path)).flatMap((path) => {
    const problems: Problem[] = [];
    let inTable = false;
    for (const [index, text] of tree.read(path).split('\n').entries()) {
      if (!text.startsWith('|')) inTable = false;
      else if (SHOWN_BY.test(text)) inTable = true;
      else if (inTable && !/^\|[\s|:-]+$/.test(text))
        for (const message of rowFaults(tree, tested, text))
          problems.push({ path, line: index + 1, message });
    }
    return problems;
  });
};

function rowFaults(tree: Tree, tested: ReadonlySet<string>, row: string): string[] {
  const shown = row.split('|').at(-2) ?? '';
  const spans = [...shown.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  if (spans.length === 0) return ['a claim that nothing shows: name a tested rule or a test file'];
  return spans
    .filter((span) => !isShown(tree, tested, span))
    .map((span) => `${span} is neither a tested rule nor a file`);
}

function isShown(tree: Tree, tested: ReadonlySet<string>, span: string): boolean {
  const rule = RULE.exec(span)?.[1];
  if (rule !== undefined) return tested.has(rule);
  return tree.paths.some((path) => path === span || path.startsWith(`${span.replace(/\/$/, '')}/`));
}
