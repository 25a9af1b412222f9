// Linking in the apps when something is not as it should be: both people are told why, and nothing is released.
// Rules: spec/link.md §7, seen from the outside.
// needs: chromium, build
// timeout: 240s
import { fileURLToPath } from 'node:url';
import { createRelay, memoryStore, serveApp } from '@sealwire/relay';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { DESKTOP, openWorld, PHONE, type World } from './support/world.ts';

const HOST = '127.0.0.1';
/** How long a code lives at the second relay: long enough to be shown, short enough to wait for its end. */
const SHORT_MS = 1_500;

interface Site {
  readonly phoneUrl: string;
  readonly webUrl: string;
  close(): Promise<void>;
}

const test = suite('linking');
let world: World;
let site: Site;
let hasty: Site;
let phone: Page;

test.before(async () => {
  [world, site, hasty] = await Promise.all([
    openWorld(),
    openSite({}),
    openSite({ rendezvousOpenMs: SHORT_MS }),
  ]);
  phone = await world.newPage(PHONE);
  await person.createAccount(phone, site.phoneUrl, 'Grace');
  await person.createChat(phone, 'Notes');
  await person.write(phone, 'Written before linking');
});

test.after(async () => {
  await world?.close();
  await Promise.all([site?.close(), hasty?.close()]);
});

test('a code pasted as text links as well', async () => {
  const web = await openWeb(site);
  await person.pasteCode(phone, await person.codeOn(web));
  await person.finishLinking(phone, web, 'Office');
  await person.openChat(web, 'Notes');
  await person.message(web, 'Written before linking').waitFor();
  for (const page of [phone, web]) await person.unalarmed(page);
  await web.close();
});

test('what is no code of ours is refused at once', async () => {
  await person.pasteCode(phone, 'HTTPS://EXAMPLE.ORG/');
  await alert(phone, 'That is not a Sealwire code');
  await phone.getByRole('main').getByRole('button', { name: 'Try again' }).click();
  await phone.getByRole('button', { name: 'Paste the code as text' }).waitFor();
});

test('wrong digits end linking on both sides and release nothing', async () => {
  const web = await openWeb(site);
  const before = await deviceCount();
  await person.pasteCode(phone, await person.codeOn(web));
  const digits = await person.digitsOn(phone);
  await person.typeDigits(web, digits === '000000' ? '000001' : '000000');
  await alert(web, 'The digits did not match');
  await alert(phone, 'The digits did not match');
  assert.is(await deviceCount(), before);
  await web.getByRole('button', { name: 'Show a new code' }).click();
  await web.getByRole('img', { name: 'QR code to link this browser' }).waitFor();
  await web.close();
});

test('a person who says no ends linking on both sides', async () => {
  const web = await openWeb(site);
  const before = await deviceCount();
  await person.pasteCode(phone, await person.codeOn(web));
  await person.typeDigits(web, await person.digitsOn(phone));
  await phone.getByRole('button', { name: 'Do not link' }).click();
  await alert(phone, 'The new device was refused');
  await alert(web, 'The new device was refused');
  assert.is(await deviceCount(), before);
  await web.close();
});

test('a second phone that scans the same code stops both and releases nothing', async () => {
  const web = await openWeb(site);
  const thief = await world.newPage(PHONE);
  await person.createAccount(thief, site.phoneUrl, 'Mallory');
  const code = await person.codeOn(web);
  const before = await deviceCount();
  await person.pasteCode(phone, code);
  await person.digitsOn(phone);
  await person.pasteCode(thief, code);
  await alert(phone, 'Somebody else scanned this code too');
  await alert(web, 'Somebody else scanned this code too');
  await thief
    .getByRole('alert')
    .filter({ hasText: /scanned this code|expired/ })
    .waitFor();
  assert.is(await deviceCount(), before);
  await Promise.all([web.close(), thief.close()]);
});

test('an expired code is replaced by itself, and the old one is refused', async () => {
  const late = await world.newPage(PHONE);
  await person.createAccount(late, hasty.phoneUrl, 'Late');
  const web = await openWeb(hasty);
  const old = await person.codeOn(web);
  await web.waitForFunction((was) => {
    const field = document.querySelector<HTMLTextAreaElement>('[aria-label="Code as text"]');
    return field !== null && field.value !== was;
  }, old);
  await person.pasteCode(late, old);
  await alert(late, 'The code has expired');
  await Promise.all([web.close(), late.close()]);
});

test('a code of another relay is refused before anything is sent', async () => {
  const web = await openWeb(hasty);
  await person.pasteCode(phone, await person.codeOn(web));
  await alert(phone, 'That code belongs to another relay');
  await web.close();
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();

const alert = (page: Page, words: string): Promise<void> =>
  page.getByRole('alert').filter({ hasText: words }).waitFor();

async function openWeb(where: Site): Promise<Page> {
  const web = await world.newPage(DESKTOP);
  await web.goto(where.webUrl);
  return web;
}

async function deviceCount(): Promise<number> {
  await person.visit(phone, 'devices');
  const list = phone.getByRole('list', { name: 'Devices' });
  await list.waitFor();
  return list.getByRole('listitem').count();
}

/** A relay in this process, whose codes may live shorter than the program's. */
async function openSite(limits: { readonly rendezvousOpenMs?: number }): Promise<Site> {
  const relay = await createRelay({ store: memoryStore(), limits });
  const serve = (app: string) =>
    serveApp({
      host: HOST,
      port: 0,
      directory: fileURLToPath(new URL(`../../apps/${app}/dist`, import.meta.url)),
      relay: relay.address,
    });
  const [phoneApp, webApp] = await Promise.all([serve('phone'), serve('web')]);
  return {
    phoneUrl: `http://${HOST}:${phoneApp.port}/`,
    webUrl: `http://${HOST}:${webApp.port}/`,
    async close() {
      await Promise.all([relay.close(), phoneApp.close(), webApp.close()]);
    },
  };
}
