// The main story, as people live it: a phone, its camera, a web app, no network, no server at all.
// Rules: spec/link.md, spec/vault.md, spec/relay-protocol.md, seen from the outside.
// needs: chromium, build
// timeout: 240s
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseWhatsAppExport } from '@sealwire/core/import-whatsapp';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { DESKTOP, openWorld, PHONE, type World } from './support/world.ts';

const EXPORT = fileURLToPath(new URL('../fixtures/whatsapp-group-android.txt', import.meta.url));

const test = suite('story');
let relay: Relay;
let world: World;
let phone: Page;
let web: Page;

test.before(async () => {
  [relay, world] = await Promise.all([startRelay(), openWorld()]);
  [phone, web] = await Promise.all([world.newPage(PHONE), world.newPage(DESKTOP)]);
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

test('a phone makes an account, imports a WhatsApp export and writes', async () => {
  await person.createAccount(phone, relay.phoneUrl, 'Ada Lovelace');
  const { messages, names } = parseWhatsAppExport(await readFile(EXPORT));
  await person.visit(phone, 'import');
  await phone.getByLabel('Exported chat').setInputFiles(EXPORT);
  await phone.getByRole('heading', { name: `${messages.length} messages found` }).waitFor();
  await phone.getByText(names.join(', ')).waitFor();
  await phone.getByRole('textbox', { name: 'Chat title' }).fill('Harbour garden');
  await phone.getByRole('button', { name: 'Import', exact: true }).click();
  await phone.getByText(`${messages.length} messages imported`).waitFor();
  await phone.getByRole('link', { name: 'Open the chat' }).click();
  await person.message(phone, messages.at(-1)!.text).waitFor();
  assert.ok((await phone.getByText('Imported from WhatsApp').count()) > 10, 'imported messages say so');

  await person.createChat(phone, 'Plans');
  await person.write(phone, 'Train at nine', 'Bring the maps');
  await person.sent(phone, 'Bring the maps');
});

test("the phone's camera reads the web app's code, and the digits link it", async () => {
  await web.goto(relay.webUrl);
  const code = web.getByRole('img', { name: 'QR code to link this browser' });
  await code.waitFor();
  await world.camera.pointAt(code);
  await person.startLinking(phone);
  await person.finishLinking(phone, web, 'Study computer');
  await phone.getByRole('list', { name: 'Devices' }).getByText('Study computer').waitFor();
});

test('all chats load on the web app', async () => {
  const { messages } = parseWhatsAppExport(await readFile(EXPORT));
  const garden = web.getByRole('link', { name: 'Harbour garden' });
  await garden.getByText(`${messages.length} messages`).waitFor();
  await person.openChat(web, 'Harbour garden');
  await person.message(web, messages.at(-1)!.text).waitFor();
  await person.openChat(phone, 'Plans');
  await person.openChat(web, 'Plans');
  await person.converged(phone, web, ['Train at nine', 'Bring the maps']);
});

test('edits made on both sides without a network converge', async () => {
  await person.airplaneMode(phone, true);
  await person.airplaneMode(web, true);
  await person.openChat(phone, 'Plans');
  await person.openChat(web, 'Plans');
  await person.connection(phone, 'Offline');
  await person.write(phone, 'Phone in the tunnel', 'Phone again');
  await person.write(web, 'Web on the plane', 'Web again');
  await deleteOwn(phone, 'Bring the maps');
  await person.message(phone, 'Phone again').getByText('Stored on this device, not sent yet').waitFor();

  await person.airplaneMode(phone, false);
  await person.airplaneMode(web, false);
  await person.openChat(phone, 'Plans');
  await person.openChat(web, 'Plans');
  await person.message(web, 'Bring the maps').waitFor({ state: 'detached' });
  const expected = ['Train at nine', 'Phone in the tunnel', 'Phone again', 'Web on the plane', 'Web again'];
  await person.converged(phone, web, expected);
  await Promise.all([person.settled(phone), person.settled(web)]);
});

test('nothing so far is a reason for an alarm', async () => {
  await unalarmedBoth();
  await person.openChat(phone, 'Plans');
  await person.openChat(web, 'Plans');
});

test('with the server dead both apps reload and are complete', async () => {
  for (const page of [phone, web]) {
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
  }
  const before = await person.texts(phone);
  await relay.kill();
  await Promise.all([phone.reload(), web.reload()]);
  await person.message(phone, before.at(-1)!).waitFor();
  await person.converged(phone, web, before);
  await person.write(phone, 'Nobody answers');
  await person.message(phone, 'Nobody answers').getByText('Stored on this device, not sent yet').waitFor();

  await relay.restart();
  await person.message(web, 'Nobody answers').waitFor();
  await person.converged(phone, web, [...before, 'Nobody answers']);
});

test('all of that is no reason for an alarm', () => unalarmedBoth());

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();

async function unalarmedBoth(): Promise<void> {
  for (const page of [phone, web]) await person.unalarmed(page);
}

async function deleteOwn(page: Page, text: string): Promise<void> {
  await person.message(page, text).hover();
  await page.getByRole('button', { name: `Options for message: ${text}` }).click();
  await page.getByRole('button', { name: 'Delete message' }).click();
  await page.getByRole('button', { name: 'Delete for everybody' }).click();
  await person.message(page, text).waitFor({ state: 'detached' });
}
