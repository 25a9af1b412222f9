// A vault in a real Chromium: pages of one origin in one profile, whose browser process can be killed.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForPage } from '@sealwire/testkit/bundle';
import { type Chromium, launchChromium } from '@sealwire/testkit/chromium';
import type { SmallVaultPlace, VaultDriver } from '@sealwire/testkit/vault-contract';
import { remoteVault, toBytes } from '@sealwire/testkit/vault-remote';
import type { CDPSession, Page } from 'playwright-core';
import * as assert from 'uvu/assert';

export interface BrowserPlace extends SmallVaultPlace {
  /** A page with a vault host in it, and the way to speak to it. @param prepare - runs in the page before all else. */
  startPage(prepare?: () => void): Promise<{ readonly page: Page; readonly vault: VaultDriver }>;
  /** A page of the origin without any code of ours. */
  bare(): Promise<Page>;
}

export interface Places {
  /** A place in a new origin, and only one at a time. */
  place(): Promise<BrowserPlace>;
  /** The same, of one megabyte. */
  smallPlace(): Promise<BrowserPlace>;
  end(): Promise<void>;
}

/** Origins in one profile of one browser, which is started again after each crash. */
export const browserPlaces = async (): Promise<Places> => {
  const server = await servePages();
  let origin = '';
  let origins = 0;
  const userDataDir = await mkdtemp(join(tmpdir(), 'sealwire-profile-'));
  let uncaught: string[] = [];
  let browser: Chromium | undefined;
  let tell: (step: number) => void = () => undefined;
  let quota: number | undefined;
  let quotaSession: CDPSession | undefined;

  /** Chromium remembers for half a minute how much room there was, so a quota is set before a database is opened. */
  const open = async (path: string, prepare?: () => void): Promise<Page> => {
    if (!browser) {
      browser = await launchChromium({ userDataDir });
      await setQuota(quota);
    }
    const page = await browser.context.newPage();
    page.on('pageerror', (error) => uncaught.push(String(error)));
    await page.exposeFunction('reportDurable', (step: number) => tell(step));
    await page.addInitScript('globalThis.__name = (named) => named'); // tsx calls it in functions sent to a page.
    if (prepare) await page.addInitScript(prepare);
    await page.goto(`${origin}${path}`);
    return page;
  };
  /** Runs something on a page of its own. */
  const aside = async <T>(run: (page: Page) => Promise<T>): Promise<T> => {
    const page = await open('/bare');
    try {
      return await run(page);
    } finally {
      await page.close();
    }
  };
  const startPage = async (prepare?: () => void) => {
    const page = await open('/', prepare);
    const vault = remoteVault((call) => page.evaluate((sent) => window.vaultCall(sent), call));
    return { page, vault };
  };
  const setQuota = async (quotaSize: number | undefined): Promise<void> => {
    quota = quotaSize;
    // Chromium drops the quota with the session that set it, and the session with its page: the first one stays open.
    quotaSession ??= await browser!.context.newCDPSession(browser!.context.pages()[0]!);
    await quotaSession.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(quotaSize !== undefined && { quotaSize }),
    });
  };
  const newOrigin = async (size?: number): Promise<BrowserPlace> => {
    origin = `http://vault-${origins++}.localhost:${server.port}`;
    quota = size;
    if (browser) await setQuota(quota);
    return place;
  };
  const place: BrowserPlace = {
    startPage,
    bare: () => open('/bare'),
    start: async () => (await startPage()).vault,
    async crash() {
      await browser?.kill();
      browser = undefined;
      quotaSession = undefined;
    },
    onDurable(listener) {
      tell = listener;
    },
    async raw() {
      const values = await aside((page) => page.evaluate(() => window.dumpDatabases()));
      const folder = `${origin.replace('://', '_').replace(':', '_')}.indexeddb.leveldb`;
      const files = await filesBelow(join(userDataDir, 'Default', 'IndexedDB', folder));
      return [...values.map(toBytes), ...files];
    },
    lose: () => aside((page) => page.evaluate(() => window.deleteDatabases())),
    free: () => setQuota(undefined),
    async dispose() {
      // The first page stays: a browser without any ends.
      for (const page of browser?.context.pages().slice(1) ?? []) await page.close();
      const errors = uncaught;
      uncaught = [];
      assert.equal(errors, [], 'errors that reached the page');
    },
  };
  return {
    place: () => newOrigin(),
    smallPlace: () => newOrigin(1024 * 1024),
    async end() {
      await browser?.close();
      await server.close();
      await rm(userDataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
};

/** Serves the vault page, and a bare one with helpers alone. */
const servePages = async (): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const sources = { page: '../../packages/core/test/vault-page.ts', bare: './bare.ts' };
  const scripts = new Map<string, string>();
  for (const [name, path] of Object.entries(sources))
    scripts.set(`/${name}.js`, await bundleForPage(fileURLToPath(new URL(path, import.meta.url))));
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '');
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8');
    const name = request.url === '/' ? 'page' : 'bare';
    response.end(script ?? `<!doctype html><script type="module" src="/${name}.js"></script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const filesBelow = async (folder: string): Promise<Uint8Array[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
  );
};
