// Links of Markdown pages that lead nowhere: to files that are not there, to headings that are not there.
import { posix } from 'node:path';
import { type HouseCheck, lineAt, type Problem, type Tree } from './tree.ts';

const INLINE = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const REFERENCE = /^\[[^\]]+\]:\s+(\S+)/gm;
const HTML = /\b(?:src|href)="([^"]+)"/g;

export const checkLinks: HouseCheck = (tree) => {
  const folders = new Set(tree.paths.flatMap(parents));
  return tree.paths
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => {
      const text = blankCode(tree.read(path));
      return [INLINE, REFERENCE, HTML]
        .flatMap((pattern) => [...text.matchAll(pattern)])
        .flatMap((match): Problem[] => {
          const message = fault(tree, folders, path, match[1] ?? '');
          return message === undefined ? [] : [{ path, line: lineAt(text, match.index), message }];
        });
    });
};

/** The names by which GitHub lets one link to the headings of a page. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const [, title = ''] of blankCode(text, false).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replace(/ /g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

function fault(tree: Tree, folders: ReadonlySet<string>, from: string, link: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined;
  if (link.startsWith('/')) return `${link} starts at the root of a disk; link relatively`;
  const [file = '', anchor] = decodeURI(link).split('#', 2);
  const target = file === '' ? from : posix.join(posix.dirname(from), file).replace(/\/$/, '');
  if (target.startsWith('..')) return `${link} leaves the repository`;
  if (tree.binaries.includes(target)) return undefined;
  if (!tree.paths.includes(target)) return folders.has(target) ? undefined : `${link} leads nowhere`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(tree.read(target)).has(anchor) ? undefined : `${link}: ${target} has no such heading`;
}

function parents(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? ['.'] : [folder, ...parents(folder)];
}

/** Fenced blocks (and code spans) become blanks of the same length, so that line numbers stay. */
function blankCode(text: string, spans = true): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ');
  const fenced = text.replace(/^(```+|~~~+)[\s\S]*?^\1\s*$/gm, blank);
  return spans ? fenced.replace(/`[^`\n]+`/g, blank) : fenced;
}
