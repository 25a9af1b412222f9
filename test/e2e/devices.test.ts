// Linked devices, as people live with them: an alert when one is linked, a name, a log-out that reaches a browser which
// was offline. Rules: spec/device-log.md, spec/epochs.md, seen from the outside.
// needs: chromium, build
// timeout: 240s
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { DESKTOP, openWorld, PHONE, type World } from './support/world.ts';

const test = suite('linked devices');
let relay: Relay;
let world: World;
let phone: Page;
let study: Page;
let lost: Page;

test.before(async () => {
  [relay, world] = await Promise.all([startRelay(), openWorld()]);
  phone = await world.newPage(PHONE);
  study = await world.newPage(DESKTOP);
  lost = await world.newPage(DESKTOP);
  await person.createAccount(phone, relay.phoneUrl, 'Ada Lovelace');
  await person.createChat(phone, 'Plans');
  await person.linkByText(phone, study, relay.webUrl, 'Study computer');
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

test('every other device raises an alert when one is linked, and one of them takes it back for all', async () => {
  await person.linkByText(phone, lost, relay.webUrl, 'Café computer');
  const alert = study.getByRole('alert').filter({ hasText: 'Café computer was linked to your account' });
  await alert.waitFor();
  assert.is(await phone.getByRole('alert').count(), 0, 'the phone linked it itself');
  await alert.getByRole('button', { name: 'OK' }).click();
  await alert.waitFor({ state: 'detached' });
});

test('a device gets another name, everywhere', async () => {
  await person.openDevice(phone, 'Study computer');
  await phone.getByRole('textbox', { name: 'Name of this device' }).fill('Desk');
  await phone.getByRole('button', { name: 'Save the name' }).click();
  await person.visit(study, 'devices');
  await study.getByRole('list', { name: 'Devices' }).getByRole('link', { name: /^Desk/ }).waitFor();
});

test('a browser that is logged out while offline reads nothing more, speaks for nobody, and wipes itself', async () => {
  await person.openChat(lost, 'Plans');
  await person.write(lost, 'Before');
  await person.sent(lost, 'Before');
  await person.airplaneMode(lost, true);
  await person.logOut(phone, 'Café computer');
  await person.openChat(phone, 'Plans');
  await person.write(phone, 'After the café');
  await person.openChat(study, 'Plans');
  await person.message(study, 'After the café').waitFor();

  await person.openChat(lost, 'Plans');
  await person.write(lost, 'Written by whoever found it');
  await person.leaveAirplaneMode(lost);
  await lost.getByRole('heading', { name: 'This browser was logged out' }).waitFor();
  assert.is(await lost.getByText('After the café').count(), 0);
  await lost.reload();
  await lost.getByRole('img', { name: 'QR code to link this browser' }).waitFor();

  await person.converged(phone, study, ['Before', 'After the café']);
  await person.settled(phone);
});

test('it is gone from the list on every device', async () => {
  for (const page of [phone, study]) {
    await person.visit(page, 'devices');
    await page.getByRole('list', { name: 'Devices' }).getByRole('link', { name: /^Desk/ }).waitFor();
    assert.is(await page.getByRole('list', { name: 'Devices' }).getByText('Café computer').count(), 0);
  }
});

test('the browser may be linked anew, and reads all there is', async () => {
  await person.linkByText(phone, lost, relay.webUrl, 'Café again');
  await person.openChat(lost, 'Plans');
  await person.openChat(phone, 'Plans');
  await person.converged(phone, lost, ['Before', 'After the café']);
});

test('a browser logs itself out', async () => {
  await person.openDevice(lost, 'Café again');
  await lost.getByRole('button', { name: 'Log out this device' }).click();
  await lost.getByRole('button', { name: 'Log out and remove everything here' }).click();
  await lost.getByRole('heading', { name: 'This browser was logged out' }).waitFor();
  await lost.getByRole('button', { name: 'Begin anew' }).click();
  await lost.getByRole('img', { name: 'QR code to link this browser' }).waitFor();
  await person.visit(phone, 'devices');
  await phone.getByRole('list', { name: 'Devices' }).getByText('Café again').waitFor({ state: 'detached' });
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();
