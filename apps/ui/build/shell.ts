// A Vite plugin: makes an app installable and able to start without a network. Emits the manifest, the icons and a
// service worker that holds the list of exactly what was built. No spec rules here.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const PUBLIC = join(import.meta.dirname, '..', 'public');
const WORKER = join(import.meta.dirname, 'sw.js');

/** @param app - `name` and `shortName` as a home screen shows them. */
export function shell(app: { readonly name: string; readonly shortName: string }): Plugin {
  return {
    name: 'sealwire-shell',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const extra = [{ name: 'manifest.webmanifest', content: manifest(app) }, ...icons()];
        for (const { name, content } of extra)
          this.emitFile({ type: 'asset', fileName: name, source: content });
        const built = Object.values(bundle).map((one) => ({
          name: one.fileName,
          content: one.type === 'chunk' ? one.code : one.source,
        }));
        this.emitFile({ type: 'asset', fileName: 'sw.js', source: worker([...built, ...extra]) });
      },
    },
  };
}

interface BuiltFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

const icons = (): BuiltFile[] =>
  readdirSync(join(PUBLIC, 'icons')).map((name) => ({
    name: `icons/${name}`,
    content: readFileSync(join(PUBLIC, 'icons', name)),
  }));

function worker(files: readonly BuiltFile[]): string {
  const source = readFileSync(WORKER, 'utf8');
  const paths = files.map((file) => (file.name === 'index.html' ? '/' : `/${file.name}`)).sort();
  const hash = createHash('sha256').update(source);
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(file.name).update(file.content);
  const version = hash.digest('hex').slice(0, 16);
  return source
    .replace('/* version */', version)
    .replace("'/* files */'", JSON.stringify(paths).slice(1, -1));
}

function manifest(app: { readonly name: string; readonly shortName: string }): string {
  return JSON.stringify({
    id: '/',
    name: app.name,
    short_name: app.shortName,
    description: 'Private messages, sealed between your own devices.',
    start_url: '/',
    scope: '/',
    display: 'standalone',
    background_color: '#f4f2f5',
    theme_color: '#7a2c50',
    icons: [
      { src: '/icons/icon.svg', type: 'image/svg+xml', sizes: 'any' },
      { src: '/icons/icon-192.png', type: 'image/png', sizes: '192x192' },
      { src: '/icons/icon-512.png', type: 'image/png', sizes: '512x512' },
      { src: '/icons/icon-maskable-512.png', type: 'image/png', sizes: '512x512', purpose: 'maskable' },
    ],
  });
}
