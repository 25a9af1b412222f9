// What happens to a device in a browser: a second tab, a full disk, a deleted database. Nothing is lost or hidden.
// Rules: spec/vault.md, seen from the outside.
// needs: chromium, build
// timeout: 120s
import type { CDPSession, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { openWorld, PHONE, type World } from './support/world.ts';

const test = suite('storage');
let relay: Relay;
let world: World;
let page: Page;
let browser: CDPSession;
let origin: string;

test.before(async () => {
  [relay, world] = await Promise.all([startRelay(), openWorld()]);
  page = await world.newPage(PHONE);
  browser = await page.context().newCDPSession(page);
  origin = new URL(relay.phoneUrl).origin;
  await person.createAccount(page, relay.phoneUrl, 'Ada');
  await person.createChat(page, 'Diary');
  await person.write(page, 'Day one');
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

test('a second tab offers to take over, and the first one says where it went', async () => {
  const second = await page.context().newPage();
  await second.goto(relay.phoneUrl);
  await second.getByRole('heading', { name: 'Sealwire is open in another tab' }).waitFor();
  await second.getByRole('button', { name: 'Use here' }).click();
  await person.openChat(second, 'Diary');
  await person.write(second, 'Day two, in the second tab');

  await page.getByRole('heading', { name: 'Sealwire moved to another tab' }).waitFor();
  await page.getByRole('button', { name: 'Use here' }).click();
  await person.openChat(page, 'Diary');
  await person.message(page, 'Day two, in the second tab').waitFor();
  await second.getByRole('heading', { name: 'Sealwire moved to another tab' }).waitFor();
  await second.close();
});

test('a full disk stops writing visibly, keeps the text, and goes on when there is room', async () => {
  await person.openChat(page, 'Diary');
  await browser.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  const long = 'A day that does not fit. '.repeat(600).trim();
  await person.composer(page).fill(long);
  await person.composer(page).press('Enter');
  await page.getByRole('alert').filter({ hasText: 'storage is full' }).first().waitFor();
  assert.ok(await person.composer(page).isDisabled());
  assert.is(await person.composer(page).inputValue(), long);

  await browser.send('Storage.overrideQuotaForOrigin', { origin });
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Try again' }).waitFor({ state: 'detached' });
  await person.composer(page).fill('Day three');
  await person.composer(page).press('Enter');
  await person.sent(page, 'Day three');
  await page.reload();
  await person.message(page, 'Day three').waitFor();
});

test('a database deleted under the app is put back from memory', async () => {
  await person.openChat(page, 'Diary');
  await browser.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  await page.getByRole('button', { name: 'Put it back' }).click();
  await page.getByRole('button', { name: 'Put it back' }).waitFor({ state: 'detached' });
  await person.write(page, 'Day four');
  await page.reload();
  for (const text of ['Day one', 'Day two, in the second tab', 'Day three', 'Day four']) {
    await person.message(page, text).waitFor();
  }
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();
