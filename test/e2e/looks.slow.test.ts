// Every screen, in light and dark, narrow and wide: nothing that axe calls serious, nothing wider than the window.
// Screenshots go to the folder SEALWIRE_SHOTS, if it is set, for people to look at.
// needs: chromium, build
// timeout: 120s
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { DESKTOP, openWorld, PHONE, type World } from './support/world.ts';

const EXPORT = fileURLToPath(new URL('../fixtures/whatsapp-group-android.txt', import.meta.url));
const SHOTS = process.env.SEALWIRE_SHOTS;
const SCHEMES = ['light', 'dark'] as const;
const SIZES = { narrow: PHONE.viewport, wide: DESKTOP.viewport } as const;

const test = suite('looks');
let relay: Relay;
let world: World;
let phone: Page;
let web: Page;
let axe: string;

test.before(async () => {
  [relay, world, axe] = await Promise.all([
    startRelay(),
    openWorld(),
    readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
  ]);
  [phone, web] = await Promise.all([world.newPage(PHONE), world.newPage(DESKTOP)]);
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

test('the first screens: a name on the phone, a code on the computer, no chats yet', async () => {
  await phone.goto(relay.phoneUrl);
  await phone.getByRole('button', { name: 'Create account' }).waitFor();
  await look(phone, 'phone-first-start');
  await web.goto(relay.webUrl);
  await web.getByRole('img', { name: 'QR code to link this browser' }).waitFor();
  await look(web, 'web-code');
  await person.createAccount(phone, relay.phoneUrl, 'Ada Lovelace');
  await look(phone, 'phone-no-chats');
});

test('importing', async () => {
  await person.visit(phone, 'import');
  await phone.getByRole('button', { name: 'Choose a file' }).waitFor();
  await look(phone, 'phone-import');
  await phone.getByLabel('Exported chat').setInputFiles(EXPORT);
  await phone.getByRole('textbox', { name: 'Chat title' }).fill('Harbour garden');
  await look(phone, 'phone-import-preview');
  await phone.getByRole('button', { name: 'Import', exact: true }).click();
  await phone.getByRole('link', { name: 'Open the chat' }).click();
  await phone.getByText('Imported from WhatsApp').first().waitFor();
  await look(phone, 'phone-imported');
});

test('a conversation, its menu, the pages of settings', async () => {
  await person.createChat(phone, 'Note to self');
  await look(phone, 'phone-empty-chat');
  await person.write(phone, 'Look at https://example.org/maps, then decide', 'Two lines\nare fine');
  await look(phone, 'phone-chat');
  await person.message(phone, 'Two lines\nare fine').hover();
  await phone.getByRole('button', { name: /^Options for message: Two lines/ }).click();
  await look(phone, 'phone-menu');
  await phone.keyboard.press('Escape');
  await person.visit(phone, 'chats');
  await phone.getByRole('navigation', { name: 'Chats' }).waitFor();
  await look(phone, 'phone-chats');
  for (const [where, heading] of PAGES) {
    await person.visit(phone, where);
    await phone.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await look(phone, `phone-${where}`);
  }
});

test('linking, step by step, and the web app after it', async () => {
  await person.pasteCode(phone, await person.codeOn(web));
  const digits = await person.digitsOn(phone);
  await web.getByRole('textbox', { name: 'Six digits' }).waitFor();
  await look(phone, 'phone-digits');
  await look(web, 'web-digits');
  await person.typeDigits(web, digits);
  await phone.getByRole('button', { name: 'Link this device' }).waitFor();
  await look(phone, 'phone-confirm');
  await phone.getByRole('button', { name: 'Link this device' }).click();
  await phone.getByRole('button', { name: 'Done' }).waitFor();
  await look(phone, 'phone-linked');
  await web.getByRole('link', { name: 'Note to self' }).waitFor();
  await look(web, 'web-chats');
  await person.openChat(web, 'Harbour garden');
  await look(web, 'web-chat');
});

test('people, their numbers, a group, a device and its end', async () => {
  const bob = await world.newPage(PHONE);
  await person.createAccount(bob, relay.phoneUrl, 'Bob Noyce');
  await person.addContactByText(bob, await person.cardOn(phone));
  await look(phone, 'phone-card');
  await person.visit(web, 'contacts');
  await web.getByRole('button', { name: 'Accept Bob Noyce' }).waitFor();
  await look(web, 'web-request');
  await person.acceptRequest(web, 'Bob Noyce');
  await person.openContact(phone, 'Bob Noyce');
  await look(phone, 'phone-contact');
  await person.createGroup(web, 'Harbour', ['Bob Noyce']);
  await web.getByRole('link', { name: 'About this chat' }).click();
  await web.getByRole('button', { name: 'Remove Bob Noyce' }).click();
  await look(web, 'web-chat-info');
  await bob.close();
  await person.visit(phone, 'devices');
  await phone.getByRole('list', { name: 'Devices' }).getByRole('link').last().click();
  await phone.getByRole('button', { name: 'Log out', exact: true }).click();
  await look(phone, 'phone-log-out');
});

test('the keyboard alone opens a chat, writes, and reaches the options of a message', async () => {
  await person.visit(web, 'chats');
  const chat = web.getByRole('link', { name: 'Note to self' });
  await tabTo(web, chat);
  await web.keyboard.press('Enter');
  await person.composer(web).waitFor();
  await tabTo(web, person.composer(web));
  await web.keyboard.type('First line');
  await web.keyboard.press('Shift+Enter');
  await web.keyboard.type('second line');
  await web.keyboard.press('Enter');
  await person.message(web, 'First line\nsecond line').waitFor();
  await web.keyboard.press('Shift+Tab');
  await web.keyboard.press('ArrowUp');
  await web.keyboard.press('Enter');
  await web.getByRole('button', { name: 'Delete message' }).waitFor();
  await web.keyboard.press('Escape');
  await web.getByRole('button', { name: 'Delete message' }).waitFor({ state: 'detached' });
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();

const PAGES = [
  ['new-chat', 'New chat'],
  ['settings', 'Settings'],
  ['devices', 'Linked devices'],
  ['link', 'Link a device'],
  ['notices', 'Security notices'],
  ['contacts', 'People'],
  ['add-contact', 'Add somebody'],
] as const;

/** Looks at a screen in both schemes, and once at the other width. */
async function look(page: Page, name: string): Promise<void> {
  const own = page.viewportSize() ?? SIZES.wide;
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [width, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${name}, ${width}: ${overflow} px wider than the window`);
      if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}-${width}-${scheme}.png`) });
    }
    await page.setViewportSize(own);
    assert.equal(await serious(page), [], `${name}, ${scheme}`);
  }
}

/** What axe calls serious or critical, as "rule: element". */
async function serious(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

interface Axe {
  run(): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string | null;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}

/** Presses Tab until the target has the focus. */
async function tabTo(page: Page, target: ReturnType<Page['getByRole']>): Promise<void> {
  for (let pressed = 0; pressed < 40; pressed += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('the Tab key does not reach it');
}
