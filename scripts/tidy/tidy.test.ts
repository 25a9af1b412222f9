// Each house check against a tree that breaks it and one that does not.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkClaims } from './claims.ts';
import { checkDocs } from './docs.ts';
import { checkCycles, checkDirection, importsOf } from './imports.ts';
import { anchorsOf, checkLinks } from './links.ts';
import { checkRules } from './rules.ts';
import { checkHeader, checkLength, checkTestPlaces } from './shape.ts';
import { type HouseCheck, treeAt, treeOf } from './tree.ts';
import { checkForbiddenCalls, checkOwnPaths, checkWords } from './words.ts';

const test = suite('tidy');

/** What the check says of a tree, one line a problem. */
const said = (check: HouseCheck, files: Record<string, string>): string[] =>
  check(treeOf(files)).map(({ path, line, message }) => `${path}:${line}: ${message}`);

const from = (specifier: string, what = '{ x }'): string => `import ${what} from '${specifier}';\n`;
const lines = (...all: string[]): string => `${all.join('\n')}\n`;

const MANIFESTS = {
  'package.json': '{"devDependencies":{"@sealwire/core":"","@sealwire/testkit":"","uvu":""}}',
  'packages/protocol/package.json':
    '{"name":"@sealwire/protocol","exports":{".":{}},"dependencies":{"lib0":""}}',
  'packages/core/package.json':
    '{"name":"@sealwire/core","exports":{".":{},"./node":{}},"dependencies":{"@sealwire/protocol":"","lib0":""},"devDependencies":{"fast-check":""},"peerDependencies":{"yjs":""}}',
  'packages/relay/package.json':
    '{"name":"@sealwire/relay","exports":{".":{}},"dependencies":{"@sealwire/protocol":"","@sealwire/core":""}}',
  'packages/testkit/package.json':
    '{"name":"@sealwire/testkit","exports":{".":{},"./*":"./src/*.ts"},"dependencies":{"@sealwire/protocol":""}}',
  'apps/ui/package.json': '{"name":"@sealwire/ui","exports":{".":{}}}',
  'apps/phone/package.json':
    '{"name":"@sealwire/phone-app","dependencies":{"@sealwire/ui":"","@sealwire/core":""}}',
};
const direction = (path: string, text: string): string[] =>
  said(checkDirection, { ...MANIFESTS, [path]: text });

test('imports are found in all their forms', () => {
  const text = lines(
    "import 'a';",
    "import type { A } from 'b';",
    'import {',
    '  one,',
    "} from 'c';",
    "export * from 'd';",
    "export type { E } from 'e';",
    "const later = await import('node:f');",
    'const text = "import \'no\'";',
  );
  assert.equal(
    importsOf(text).map(({ specifier, line, typeOnly }) => `${specifier}${line}${typeOnly ? ' type' : ''}`),
    ['a1', 'b2 type', 'c5', 'd6', 'e7 type', 'node:f8'],
  );
});

test('direction: what the design allows', () => {
  const good: [string, string][] = [
    [
      'packages/core/src/a.ts',
      from('@sealwire/protocol') + from('lib0/encoding') + from('yjs') + from('node:fs'),
    ],
    ['packages/core/src/a.ts', from('#native') + from('./b.ts') + from('../src/c.ts')],
    [
      'packages/core/test/a.test.ts',
      from('@sealwire/testkit/fuzz') + from('fast-check') + from('../src/b.ts'),
    ],
    ['packages/protocol/test/a.test.ts', from('@sealwire/testkit') + from('uvu')],
    ['apps/phone/src/a.tsx', from('@sealwire/ui') + from('@sealwire/core')],
    ['apps/phone/vite.config.ts', from('../ui/build/shell.ts')],
    ['test/a.test.ts', from('@sealwire/core/node')],
  ];
  for (const [path, text] of good) assert.equal(direction(path, text), []);
});

test('direction: what it forbids', () => {
  const bad: [string, string, RegExp][] = [
    [
      'packages/protocol/src/a.ts',
      from('@sealwire/core'),
      /^packages\/protocol\/src\/a\.ts:1: .*must not import @sealwire\/core/,
    ],
    ['packages/relay/src/a.ts', from('@sealwire/core'), /packages\/relay must not import/],
    ['packages/relay/src/a.ts', from('@sealwire/core', 'type { x }'), /must not import/],
    ['packages/core/src/a.ts', from('@sealwire/relay'), /must not import/],
    ['packages/core/src/a.ts', from('@sealwire/testkit'), /must not import/],
    ['packages/testkit/src/a.ts', from('@sealwire/core'), /must not import/],
    ['apps/ui/src/a.ts', from('@sealwire/relay'), /must not import/],
    ['packages/core/src/a.ts', from('../../protocol/src/ids.ts'), /across packages/],
    ['test/a.test.ts', from('../packages/core/src/x.ts'), /across packages/],
    ['packages/core/src/a.ts', from('../test/helper.ts'), /sources do not import tests/],
    ['test/a.test.ts', from('@sealwire/core/frame'), /not among the exports/],
    ['test/a.test.ts', from('@sealwire/core/src/x.ts'), /not among the exports/],
    ['packages/core/src/a.ts', from('left-pad'), /left-pad is not declared/],
    ['packages/core/src/a.ts', from('fast-check'), /fast-check is not declared/],
  ];
  for (const [path, text, expected] of bad) {
    const found = direction(path, text);
    assert.is(found.length, 1, `${path} ${text} ${found}`);
    assert.match(found[0] ?? '', expected);
  }
});

test('cycles: a ring of values is one problem, a ring of types is none', () => {
  const ring = (what: string): Record<string, string> => ({
    'packages/a/src/one.ts': from('./two.ts'),
    'packages/a/src/two.ts': from('./deep/three.ts'),
    'packages/a/src/deep/three.ts': `\n${from('../one.ts', what)}`,
  });
  const found = said(checkCycles, ring('{ x }'));
  assert.is(found.length, 1);
  assert.match(found[0] ?? '', /import cycle: .* → .* → .* → /);
  assert.equal(said(checkCycles, ring('type { x }')), []);
  assert.is(said(checkCycles, { 'a.ts': from('./a.ts') }).length, 1);
});

test('links: dead files, dead headings, links out of the tree', () => {
  const page = lines(
    '# One `thing`, and (more)!',
    '## Twice',
    '## Twice',
    '[good](other.md) [good](other.md#there) [good](#one-thing-and-more) [good](#twice-1) [good](folder/)',
    '[good](https://example.org/x) `[code](no.md)` ![good](folder/picture.svg)',
    '```',
    '[code](no.md)',
    '```',
    '[bad](gone.md)',
    '[bad](other.md#gone)',
    '[bad](#twice-2)',
    '[bad](../../x.md)',
    '[bad](/etc/x.md)',
    '[ref]: nowhere.md',
    '<img src="gone.svg">',
  );
  const tree = { 'docs/a.md': page, 'docs/other.md': '# There\n', 'docs/folder/picture.svg': '' };
  assert.equal(
    said(checkLinks, tree)
      .map((line) => Number(line.split(':')[1]))
      .sort((a, b) => a - b),
    [9, 10, 11, 12, 13, 14, 15],
  );
});

test('links: headings become the names that GitHub gives them', () => {
  assert.equal(
    [...anchorsOf('# Ünï *cöde* & co.\n## `a_b` – c\n```\n# no\n```\n### A [link](x.md)\n')],
    ['ünï-cöde--co', 'a_b--c', 'a-link'],
  );
});

test('rules: each has a test, each cited one exists, none is given twice', () => {
  const spec = lines('- **AB1** one', '- **AB2** two', '- **AB3** three', '- **AB4** four');
  const good = {
    'spec/a.md': spec,
    'packages/x/test/a.test.ts': "test('[AB1] one'); test('[AB2, AB3] both');",
    'spec/vectors/a.json': '{"rule": "AB4"}',
    'packages/x/src/a.ts': '// spec/a.md AB2\nconst base64 = "AB9+";\n',
  };
  assert.equal(said(checkRules, good), []);
  const breaks: [Record<string, string>, RegExp][] = [
    [{ 'spec/a.md': `${spec}- **AB5** five\n` }, /^spec\/a\.md:5: no test carries \[AB5\]/],
    [{ 'spec/b.md': '- **AB1** again\n' }, /AB1 is given twice, first at spec\/a\.md:1/],
    [
      { 'packages/x/test/b.test.ts': "\ntest('[CD1] one');" },
      /^packages\/x\/test\/b\.test\.ts:2: CD1 is no rule/,
    ],
    [{ 'packages/testkit/src/c.ts': "test('[CD1] one');" }, /CD1 is no rule/],
    [{ 'packages/x/src/b.ts': '// rule AB77\n' }, /^packages\/x\/src\/b\.ts:1: AB77 is no rule/],
    [{ 'README.md': 'See AB77.\n' }, /AB77 is no rule/],
    [{ 'spec/vectors/b.json': '{"rules": ["AB1", "AB78"]}' }, /AB78 is no rule/],
  ];
  for (const [more, expected] of breaks) {
    const found = said(checkRules, { ...good, ...more });
    assert.is(found.length, 1, found.join());
    assert.match(found[0] ?? '', expected);
  }
});

test('words: open ends, machine paths, package hosts', () => {
  const slash = '/';
  const bad = [
    `// ${'TO'}${'DO'} later`,
    `// ${'FIX'}${'ME'}`,
    `cd ${slash}home/ada/x`,
    `open ${slash}Users/ada/x`,
    `"file:${slash}${slash}${slash}work/tree"`,
    `C:${'\\'}Users`,
    `resolved https:${slash}${slash}registry.npm${'js'}.org/x`,
  ];
  for (const text of bad) assert.is(said(checkWords, { 'pnpm-lock.yaml': `\n${text}\n` }).length, 1, text);
  const good = ['todos', 'https://example.org/work/x', './home/x', '/tmp/x', 'npmjs.com'];
  assert.equal(said(checkWords, { 'a.md': lines(...good) }), []);
});

test('words: the folders of this very machine', () => {
  const found = said(checkOwnPaths(['/srv/ada.lovelace', '/root']), {
    'a.md': '\nsee /srv/ada.lovelace/x, /root\n',
  });
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /^a\.md:2: /);
  assert.equal(said(checkOwnPaths(['/srv/ada.lovelace']), { 'a.md': '/srv/adaXlovelace' }), []);
});

test('packages neither print nor roll dice', () => {
  const text = lines(
    '// console.log is not here',
    ' * console.log(example)',
    'x(); console.warn(1);',
    'Math.random();',
  );
  const found = said(checkForbiddenCalls, { 'packages/a/src/a.ts': text, 'apps/a/src/a.ts': text });
  assert.equal(
    found.map((line) => line.split(': ')[0]),
    ['packages/a/src/a.ts:3', 'packages/a/src/a.ts:4'],
  );
});

test('shape: length, first line, place of tests', () => {
  assert.equal(said(checkLength, { 'a.ts': 'x\n'.repeat(400), 'b.md': 'x\n'.repeat(900) }), []);
  assert.is(said(checkLength, { 'a.ts': 'x\n'.repeat(401) }).length, 1);
  const heads = {
    'a.ts': '// What it is.\n',
    'b.mjs': '#!/usr/bin/env node\n// What it is.\n',
    'c.ts': '/** What. */\n',
  };
  assert.equal(said(checkHeader, heads), []);
  assert.is(said(checkHeader, { 'a.ts': 'x();\n', 'b.ts': '//\nx();\n' }).length, 2);
  assert.equal(said(checkTestPlaces, { 'packages/a/test/a.test.ts': '' }), []);
  const lost = { 'packages/a/src/a.test.ts': '', 'examples/a.test.ts': '', 'packages/a/test/a.test.js': '' };
  assert.is(said(checkTestPlaces, lost).length, 3);
});

test('docs: programs are those of examples/, commands exist', () => {
  const fence = (name: string, text: string): string => `\`\`\`${name}\n${text}\n\`\`\`\n`;
  const files = {
    'package.json': '{"scripts":{"test":"","test:slow":""}}',
    'examples/a.mjs': '// What.\nrun();\n',
  };
  const good = `<!-- examples/a.mjs -->\n${fence('js', 'run();')}\n${fence('sh', 'npx -y pnpm@12 test\npnpm install')}\`pnpm test:slow\``;
  assert.equal(said(checkDocs, { ...files, 'a.md': good }), []);
  const bad = [
    fence('ts', 'run();'),
    `<!-- examples/a.mjs -->\n${fence('js', 'walk();')}`,
    `<!-- examples/b.mjs -->\n${fence('js', 'run();')}`,
    fence('sh', 'pnpm tests'),
    'Run `pnpm run go`.',
  ];
  for (const text of bad) assert.is(said(checkDocs, { ...files, 'a.md': text }).length, 1, text);
});

test('the tree is what git tracks or would track', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-tidy-'));
  execFileSync('git', ['init', '-q'], { cwd: folder });
  for (const name of ['.gitignore', 'b.ts', 'a b.md', 'ignored.ts', 'x.png']) {
    writeFileSync(join(folder, name), 'ignored.ts\n');
  }
  const tree = treeAt(folder);
  assert.equal(tree.paths, ['.gitignore', 'a b.md', 'b.ts']);
  assert.is(tree.read('b.ts'), 'ignored.ts\n');
  rmSync(folder, { recursive: true });
});

test('claims: each row is shown by a tested rule or a file that is there', () => {
  const page = (last: string): string =>
    lines(
      '| threat | shown by |',
      '|---|---|',
      `| it reads | ${last} |`,
      '',
      '| other | table |',
      '|---|---|',
      '| a | b |',
    );
  const files = { 'test/a.test.ts': "test('[AB1] is so', () => {});\n", 'spec/a.md': '- **AB1** is so\n' };
  const claims = (last: string): string[] =>
    said(checkClaims, { ...files, 'SECURITY.md': page(last), 'spec/threats.md': page('`[AB1]`') });
  assert.equal(claims('`[AB1]`, `test/a.test.ts`, `test`'), []);
  assert.equal(claims('our word'), [
    'SECURITY.md:3: a claim that nothing shows: name a tested rule or a test file',
  ]);
  assert.equal(claims('`[AB2]` `test/b.test.ts`'), [
    'SECURITY.md:3: [AB2] is neither a tested rule nor a file',
    'SECURITY.md:3: test/b.test.ts is neither a tested rule nor a file',
  ]);
});

test.run();
