// What happens to a device in a browser: a second tab, a full disk, a deleted database. Nothing is lost or hidden.
// Rules: spec/vault.md, seen from the outside.
// needs: chromium, build
// timeout: 240s

import { seededRandom } from '@sealwire/testkit/random';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { openWorld, PHONE, type World } from './support/world.ts';

/** Bytes: the app itself takes about half of it. */
const QUOTA = 1_300_000;
/** Messages that fill it for certain. */
const ENOUGH = 60;

/** Milliseconds after which a field that cannot be typed into counts as blocked. */
const BLOCKED_MS = 2_000;

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
  const small = await world.newPage(PHONE);
  const disk = await small.context().newCDPSession(small);
  // Before the first visit: Chromium remembers for half a minute how much room it found.
  await disk.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: QUOTA });
  await person.createAccount(small, relay.phoneUrl, 'Grace');
  await person.createChat(small, 'Logbook');
  const full = small.getByRole('alert').filter({ hasText: 'This device’s storage is full' }).first();
  let last = '';
  for (let n = 0; n < ENOUGH && !(await full.isVisible()); n += 1) last = await writePage(small, n, full);
  await full.waitFor();
  assert.ok(await person.composer(small).isDisabled(), 'nothing can be written');
  const kept = [await person.composer(small).inputValue(), ...(await person.texts(small))];
  assert.is(kept.filter((text) => text === last).length, 1, 'the last text is stored or back in the field');

  await disk.send('Storage.overrideQuotaForOrigin', { origin });
  await small.getByRole('button', { name: 'Try again' }).click();
  await full.waitFor({ state: 'detached' });
  await person.composer(small).fill('Room again');
  await person.composer(small).press('Enter');
  await person.sent(small, 'Room again');
  const shown = await person.texts(small);
  await small.reload();
  await person.message(small, 'Room again').waitFor();
  assert.equal(await person.texts(small), shown);
  await small.context().close();
});

test('a database deleted under the app is put back from memory', async () => {
  await person.openChat(page, 'Diary');
  await browser.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  await page.getByRole('button', { name: 'Put it back' }).click();
  await page.getByRole('button', { name: 'Put it back' }).waitFor({ state: 'detached' });
  await person.write(page, 'Day four');
  await page.reload();
  for (const text of ['Day one', 'Day two, in the second tab', 'Day four']) {
    await person.message(page, text).waitFor();
  }
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();

/** Writes a long message and waits until it is stored, or the disk is full. @returns its text, the last one tried. */
async function writePage(on: Page, number: number, full: Locator): Promise<string> {
  const text = longText(number);
  const stored = on.locator('.tick-stored, .tick-sent');
  const before = await stored.count();
  // The disk may turn out to be full while the message before is framed: then nothing can be typed any more.
  const typed = await person
    .composer(on)
    .fill(text, { timeout: BLOCKED_MS })
    .then(
      () => true,
      () => false,
    );
  if (!typed) return longText(number - 1);
  await person.composer(on).press('Enter');
  await stored.nth(before).or(full).first().waitFor();
  return text;
}

/** Text that no compression makes short, the same for the same number; 15,000 characters. */
function longText(seed: number): string {
  const random = seededRandom(seed);
  let text = `Page ${seed}: `;
  while (text.length < 15_000) text += `${random.int(2 ** 32).toString(36)} `;
  return text.slice(0, 15_000).trim();
}
