// Two real browsers, each with CodeMirror and y-codemirror.next, unmodified, on one shared document over a real relay:
// edited offline on both sides, converged, cursors shown. Rules: spec/shared-document.md.
// needs: chromium
// timeout: 180s

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForPage } from '@sealwire/testkit/bundle';
import { launchChromium } from '@sealwire/testkit/chromium';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type {} from './page.ts';

const test = suite('an editor in two browsers');

const HTML = `<!doctype html><title>Editor</title><body><script type="module" src="/page.js"></script>`;

/** Two browsers with a profile each, and a relay. */
const setUp = async () => {
  const script = await bundleForPage(fileURLToPath(new URL('./page.ts', import.meta.url)));
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : HTML);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const data = await mkdtemp(join(tmpdir(), 'sealwire-editor-'));
  const relay = await startRelayProcess({ data });
  const errors: string[] = [];
  const browsers = [await launchChromium(), await launchChromium()];
  const pages = await Promise.all(
    browsers.map(async ({ context }) => {
      const page = await context.newPage();
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.addInitScript('globalThis.__name = (named) => named'); // tsx calls it in functions sent to a page.
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction(() => window.editorPage !== undefined);
      return page;
    }),
  );
  return {
    relay,
    pages: pages as [Page, Page],
    errors,
    async end() {
      for (const browser of browsers) await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await relay.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
};

const shows = (page: Page, text: string): Promise<unknown> =>
  page.waitForFunction((wanted) => window.editorPage.text() === wanted, text);

/** A caret of somebody else with this name. */
const caret = (page: Page, name: string) =>
  page.locator('.cm-ySelectionCaret', { has: page.locator('.cm-ySelectionInfo', { hasText: name }) });

test('[SD12, SD14, SD24] typed apart while offline, converged, each sees where the other is', async () => {
  const { relay, pages, errors, end } = await setUp();
  try {
    const [first, second] = pages;
    const chatId = await first.evaluate((url) => window.editorPage.create(url), relay.address);
    const code = await second.evaluate((url) => window.editorPage.beginLink(url), relay.address);
    const digits = await first.evaluate((shown) => window.editorPage.scan(shown), code);
    const linked = second.evaluate((typed) => window.editorPage.finishLink(typed), digits);
    await first.evaluate(() => window.editorPage.confirm());
    await linked;
    await first.evaluate((id) => window.editorPage.openEditor(id, 'First'), chatId);
    await second.evaluate((id) => window.editorPage.openEditor(id, 'Second'), chatId);

    await first.locator('.cm-content').click();
    await first.keyboard.type('one plan');
    await shows(second, 'one plan');
    await second.locator('.cm-content').click();
    await second.keyboard.press('End');
    await caret(first, 'Second').waitFor({ state: 'attached' });
    await caret(second, 'First').waitFor({ state: 'attached' });

    for (const page of pages) await page.evaluate(() => window.editorPage.setNetwork(false));
    await first.keyboard.press('Home');
    await first.keyboard.type('Apart: ');
    await second.keyboard.type(', two browsers');
    for (let i = 0; i < 3; i++) await second.keyboard.press('Backspace');
    await second.keyboard.type('ers.');
    assert.is(await first.evaluate(() => window.editorPage.text()), 'Apart: one plan');
    assert.is(await second.evaluate(() => window.editorPage.text()), 'one plan, two browsers.');
    for (const page of pages) await page.evaluate(() => window.editorPage.setNetwork(true));
    for (const page of pages) await shows(page, 'Apart: one plan, two browsers.');
    for (const page of pages) await page.evaluate(() => window.editorPage.settled());

    await first.keyboard.press('End');
    await first.keyboard.type('!');
    await shows(second, 'Apart: one plan, two browsers.!');
    await caret(first, 'Second').waitFor({ state: 'attached' });
    await caret(second, 'First').waitFor({ state: 'attached' });
    for (const page of pages) assert.equal(await page.evaluate(() => window.editorPage.evidence()), []);
    assert.equal(errors, []);
  } finally {
    await end();
  }
});

test.run();
