// The app as something to install: manifest and icons, a start without any server, a clean change to a new version.
// No spec rules here.
// needs: chromium, build
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveApp } from '@sealwire/relay';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { openWorld, PHONE, type World } from './support/world.ts';

const BUILT = fileURLToPath(new URL('../../apps/phone/dist', import.meta.url));
/** Nobody listens there: this app never sees a relay. */
const NO_RELAY = 'ws://127.0.0.1:9';

const test = suite('install');
let folder: string;
let served: Awaited<ReturnType<typeof serveApp>>;
let world: World;
let page: Page;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealwire-install-'));
  await cp(BUILT, folder, { recursive: true });
  served = await serveApp({ host: '127.0.0.1', port: 0, directory: folder, relay: NO_RELAY });
  world = await openWorld();
  page = await world.newPage(PHONE);
  await person.createAccount(page, `http://127.0.0.1:${served.port}/`, 'Ada');
});

test.after(async () => {
  await world?.close();
  await served?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the manifest names icons that are there, in the sizes that it says', async () => {
  const sizes = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="manifest"]');
    const manifest = await (await fetch(link?.href ?? '')).json();
    const found: string[] = [];
    for (const { src, sizes, type } of manifest.icons) {
      const image = new Image();
      image.src = src;
      await image.decode();
      found.push(type === 'image/svg+xml' ? 'any' : `${image.naturalWidth}x${image.naturalHeight}`);
      if (found.at(-1) !== sizes) return [`${src} is ${found.at(-1)}, not ${sizes}`];
    }
    return found;
  });
  assert.equal(sizes, ['any', '192x192', '512x512', '512x512']);
});

test('everything that was built is kept for a start without a server', async () => {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  const port = served.port;
  await served.close();
  await page.reload();
  await person.createChat(page, 'Made without any server');
  await person.write(page, 'Still works');
  assert.is(await page.evaluate(async () => (await fetch('/icons/icon-512.png')).status), 200);
  served = await serveApp({ host: '127.0.0.1', port, directory: folder, relay: NO_RELAY });
});

test('a new version waits until the person changes to it, and leaves nothing of the old one', async () => {
  await edit('index.html', '<title>', '<title data-version="2">');
  await edit('sw.js', /sealwire-app-[0-9a-f]+/, 'sealwire-app-2');
  await page.reload();
  await page.getByText('A new version of Sealwire is ready').waitFor();
  assert.is(await page.locator('title[data-version]').count(), 0);
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.locator('title[data-version]').waitFor({ state: 'attached' });
  await person.openChat(page, 'Made without any server');
  await person.message(page, 'Still works').waitFor();
  const kept = await page.evaluate(() => caches.keys());
  assert.equal([...kept].sort(), ['sealwire-app-2', 'sealwire-relay']);
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();

async function edit(file: string, what: string | RegExp, by: string): Promise<void> {
  const path = join(folder, file);
  const before = await readFile(path, 'utf8');
  const after = before.replace(what, by);
  assert.is.not(after, before);
  await writeFile(path, after);
}
