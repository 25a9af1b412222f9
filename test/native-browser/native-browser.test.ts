// Signatures, points and lengths on their edges in a real Chromium, by its WebCrypto and by what we bring: the verdicts of
// Node, since all devices must agree. Cases: packages/core/test/native-cases.ts. Rules: spec/keys.md §1.
// needs: chromium
// timeout: 120s
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bundleForPage } from '@sealwire/testkit/bundle';
import { launchChromium } from '@sealwire/testkit/chromium';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('native in a browser');

/** A page with the judges in it, on an origin that counts as secure. */
const openPage = async () => {
  const entry = fileURLToPath(new URL('../../packages/core/test/native-page.ts', import.meta.url));
  const script = await bundleForPage(entry);
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium();
  const page = await browser.context.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    async end() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const { page, end } = await openPage();

test('[KY1] Ed25519: WebCrypto behind our checks, and @noble, give the verdict of the rules', async () => {
  const report = await page.evaluate(() => window.edges.signatures());
  assert.equal(report.wrong, []);
  assert.ok(report.judged > 250, `${report.judged} cases`);
  assert.ok(report.byPlatform > 50, `${report.byPlatform} by WebCrypto`);
  assert.ok(report.accepted > 15 && report.accepted < 60, `${report.accepted} accepted`);
});

test('[KY7] X25519: @noble, HPKE and WebCrypto share one secret or refuse', async () => {
  const report = await page.evaluate(() => window.edges.points());
  assert.equal(report.wrong, []);
  assert.is(report.judged - report.accepted, 14, 'low order');
});

test('[KY8] SHA-256, HMAC and HKDF of every length are those of WebCrypto', async () => {
  const report = await page.evaluate(() => window.edges.lengths());
  assert.equal(report.wrong, []);
  assert.ok(report.judged > 170, `${report.judged}`);
});

test('[KY5] suite 2 works in the browser', async () => {
  const report = await page.evaluate(() => window.suite2());
  assert.equal(report, { publicKey: 1216, wrapped: 1168, opened: true });
});

test.after(end);
test.run();
