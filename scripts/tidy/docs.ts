// What pages promise must be true: a program shown in a page is a program of examples/, which the check
// runs, and a pnpm command that a page names exists.
import { type HouseCheck, lineAt, type Problem, type Tree } from './tree.ts';

const FENCE = /^(?:<!-- (examples\/\S+) -->\n+)?```(js|mjs|ts|tsx|javascript|typescript)\n([\s\S]*?)^```$/gm;
const COMMAND = /\bpnpm(?:@\d+)? (?:run )?([a-z][\w:-]*)/g;
const OF_PNPM = new Set(['install', 'pack', 'add', 'exec', 'dlx', 'run', 'store']);

export const checkDocs: HouseCheck = (tree) => {
  const pages = tree.paths.filter((path) => path.endsWith('.md'));
  return pages.flatMap((path) => [...programFaults(tree, path), ...commandFaults(tree, path)]);
};

function programFaults(tree: Tree, path: string): Problem[] {
  const text = tree.read(path);
  return [...text.matchAll(FENCE)].flatMap((match) => {
    const [, file, , shown = ''] = match;
    const line = lineAt(text, match.index);
    if (file === undefined) {
      return [
        {
          path,
          line,
          message: 'a program that nothing runs: put it into examples/, name it in a comment above',
        },
      ];
    }
    if (!tree.paths.includes(file)) return [{ path, line, message: `${file} is not there` }];
    return tree.read(file).includes(shown) ? [] : [{ path, line, message: `differs from ${file}` }];
  });
}

/** Commands count in code alone: in fences and in code spans. */
function commandFaults(tree: Tree, path: string): Problem[] {
  if (!tree.paths.includes('package.json')) return [];
  const { scripts = {} } = JSON.parse(tree.read('package.json')) as { scripts?: Record<string, string> };
  const text = tree.read(path);
  return [...text.matchAll(/^```(?:sh|bash|console)?\n[\s\S]*?^```$|`[^`\n]+`/gm)].flatMap((code) =>
    [...code[0].matchAll(COMMAND)]
      .filter(([, name = '']) => !(name in scripts) && !OF_PNPM.has(name))
      .map((match) => ({
        path,
        line: lineAt(text, code.index + match.index),
        message: `package.json has no script "${match[1]}"`,
      })),
  );
}
