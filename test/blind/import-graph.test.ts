// The relay cannot read: nothing that it loads knows Yjs, the client library or a cipher.
// Rules: spec/relay-protocol.md §1.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Closure, closureOf } from './closure.ts';

const blind = suite('blind relay');
const workspace = fileURLToPath(new URL('../..', import.meta.url));
const FORBIDDEN =
  /^(@sealwire\/(core|testkit|ui)|yjs|y-.+|@noble\/.+|@hpke\/.+|fflate|libsodium.*|sodium.*|tweetnacl)$/;

/**
 * The client of NATS signs in with it where NATS asks for that. It holds a cipher, though not the one of frames; a relay
 * without NATS does not load it.
 */
const SIGNS_IN_AT_NATS = '@nats-io/nkeys → tweetnacl';

const forbiddenIn = ({ packages }: Closure): string[] =>
  [...packages].filter(([name]) => FORBIDDEN.test(name)).map(([, way]) => way);

blind('[RP1] nothing in the closure of the relay and of its program can open a frame', () => {
  const closure = closureOf([join(workspace, 'packages/relay'), join(workspace, 'apps/relay')]);
  assert.equal(
    forbiddenIn(closure).filter((way) => !way.endsWith(SIGNS_IN_AT_NATS)),
    [],
  );
  // The walk went where it should: through the protocol package, and into installed ones.
  for (const name of ['@sealwire/relay', '@sealwire/protocol', 'lib0', 'lmdb', 'msgpackr', 'ws']) {
    assert.ok(closure.packages.has(name), `${name} was not found`);
  }
  assert.ok(closure.files > 20, `${closure.files} source files`);
});

blind(
  '[RP1] what a relay without NATS loads names nothing of NATS, so that nothing at all of a cipher is there',
  () => {
    const sources = (folder: string): string[] =>
      readdirSync(join(workspace, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts') && !path.startsWith('nats/'))
        .map((path) => join(workspace, folder, path));
    const files = [...sources('packages/relay/src'), ...sources('apps/relay/src')];
    const naming = files.flatMap((path) => {
      const text = readFileSync(path, 'utf8');
      return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']*nats[^']*)'\)?/g)].map((match) => [
        basename(path),
        match[0],
      ]);
    });
    assert.ok(files.length > 30);
    // Loaded when somebody asks for such a store, not before.
    assert.equal(naming, [['main.ts', "import('@sealwire/relay/nats')"]]);
  },
);

blind('[RP1] a closure with a forbidden package is caught, however it gets there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-closure-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const install = (name: string, dependencies = {}): void =>
    write(`relay/node_modules/${name}/package.json`, JSON.stringify({ name, dependencies }));
  const caught = (manifest: object, source: string): string[] => {
    write('relay/package.json', JSON.stringify({ name: 'relay', ...manifest }));
    write('relay/src/main.ts', source);
    return forbiddenIn(closureOf([join(folder, 'relay')]));
  };
  try {
    install('innocent', { helper: '1' });
    install('helper', { '@noble/ciphers': '1' });
    install('@noble/ciphers');
    install('clean');
    assert.equal(caught({ dependencies: { clean: '1' } }, "import 'clean';"), []);
    assert.equal(caught({ dependencies: { innocent: '1' } }, ''), [
      'relay → innocent → helper → @noble/ciphers',
    ]);
    assert.equal(caught({ peerDependencies: { yjs: '13' } }, ''), ['relay → yjs']);
    const sources = [
      "import * as Y from 'yjs';",
      "import 'y-protocols/sync';",
      "const Y = await import('yjs');",
      "const Y = require('yjs');",
      "export { seal } from '@sealwire/core/frame';",
      "import {\n  xchacha20poly1305,\n} from '@noble/ciphers/chacha.js';",
    ];
    for (const source of sources) assert.is(caught({}, source).length, 1, source);
    assert.throws(() => caught({ dependencies: { absent: '1' } }, ''), /absent of relay is not installed/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

blind.run();
