// Trust, as people live it: three people with five devices meet by card, form a group, compare numbers, log a device out
// while it is offline, take a person out. Rules: spec/contacts.md, spec/membership.md, spec/epochs.md, from the outside.
// needs: chromium, build
// timeout: 240s
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { DESKTOP, openWorld, PHONE, type World } from './support/world.ts';

const test = suite('trust');
let relay: Relay;
let world: World;
let ada: Page;
let adaWeb: Page;
let bob: Page;
let bobWeb: Page;
let cy: Page;

const GROUP = 'Harbour';

test.before(async () => {
  [relay, world] = await Promise.all([startRelay(), openWorld()]);
  [ada, bob, cy] = (await Promise.all([PHONE, PHONE, PHONE].map((kind) => world.newPage(kind)))) as [
    Page,
    Page,
    Page,
  ];
  [adaWeb, bobWeb] = (await Promise.all([DESKTOP, DESKTOP].map((kind) => world.newPage(kind)))) as [
    Page,
    Page,
  ];
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

test('three people make accounts; two of them link a browser', async () => {
  await person.createAccount(ada, relay.phoneUrl, 'Ada Lovelace');
  await person.createAccount(bob, relay.phoneUrl, 'Bob Noyce');
  await person.createAccount(cy, relay.phoneUrl, 'Cy Young');
  await person.linkByText(ada, adaWeb, relay.webUrl, 'Ada’s study');
  await person.linkByText(bob, bobWeb, relay.webUrl, 'Bob’s desk');
});

test('the camera reads a card, and its owner is asked', async () => {
  await person.visit(ada, 'card');
  const card = ada.getByRole('img', { name: 'QR code of my card' });
  await card.waitFor();
  await world.camera.pointAt(card);
  await person.visit(bob, 'add-contact');
  await bob.getByRole('list', { name: 'People' }).getByText('Ada Lovelace').waitFor();
  await world.camera.pointAt(ada.getByRole('heading', { name: 'My card' }));
  await person.acceptRequest(adaWeb, 'Bob Noyce');
  await person.contactKnown(bobWeb, 'Ada Lovelace');
  await person.contactKnown(ada, 'Bob Noyce');
});

test('a card as text does as well', async () => {
  await person.addContactByText(cy, await person.cardOn(ada));
  await person.acceptRequest(ada, 'Cy Young');
  await person.contactKnown(cy, 'Ada Lovelace');
});

test('the safety number is the same on every device of both', async () => {
  const numbers = [
    await person.safetyNumber(ada, 'Bob Noyce'),
    await person.safetyNumber(adaWeb, 'Bob Noyce'),
    await person.safetyNumber(bob, 'Ada Lovelace'),
    await person.safetyNumber(bobWeb, 'Ada Lovelace'),
  ];
  assert.match(numbers[0]!, /^\d{60}$/);
  assert.equal(new Set(numbers).size, 1);
  const shown = await person.safetyCode(bob, 'Ada Lovelace');
  await person.compareSafety(ada, 'Bob Noyce', shown);
  await ada.getByText('The numbers are the same').waitFor();
});

test('a card that is asked for without a connection appears when there is one', async () => {
  await person.airplaneMode(bobWeb, true);
  await bobWeb.reload();
  await person.visit(bobWeb, 'card');
  await bobWeb.getByRole('alert').filter({ hasText: 'The relay cannot be reached' }).waitFor();
  await bobWeb.getByRole('complementary').getByRole('switch', { name: 'Airplane mode' }).click();
  await bobWeb.getByRole('img', { name: 'QR code of my card' }).waitFor();
});

test('a card that is taken back lets nobody ask any more; the next one is another', async () => {
  const before = await person.cardOn(ada);
  await ada.getByRole('button', { name: 'Take my card back' }).click();
  await ada.getByRole('button', { name: 'Take it back' }).click();
  await ada.getByRole('alertdialog').waitFor({ state: 'detached' });
  assert.not.equal(await person.cardOn(ada), before);
  await person.contactKnown(bob, 'Ada Lovelace');
});

test('a group of three writes, each from any device', async () => {
  await person.createGroup(ada, GROUP, ['Bob Noyce', 'Cy Young']);
  await person.write(ada, 'Welcome aboard');
  for (const page of [adaWeb, bob, bobWeb, cy]) {
    await person.openChat(page, GROUP);
    await person.message(page, 'Welcome aboard').waitFor();
  }
  await person.write(bobWeb, 'Bob from his desk');
  await person.write(cy, 'Cy here');
  const expected = ['Welcome aboard', 'Bob from his desk', 'Cy here'];
  for (const page of [adaWeb, bob, bobWeb, cy]) await person.converged(ada, page, expected);
});

test('an admin moves the group to a new room at the relay, and everybody goes on there', async () => {
  await person.moveRoom(ada, GROUP);
  for (const page of [cy, bobWeb]) {
    await person.openChat(page, GROUP);
    await person.connection(page, 'Live');
  }
  await person.openChat(ada, GROUP);
  await person.write(cy, 'In the new room');
  await person.write(bobWeb, 'Here as well');
  for (const page of [ada, adaWeb, bob, bobWeb, cy]) {
    await person.openChat(page, GROUP);
    await person.message(page, 'In the new room').waitFor();
    await person.message(page, 'Here as well').waitFor();
  }
});

test('a browser is logged out while it is offline: it reads nothing new, writes for nobody, and wipes itself', async () => {
  await person.airplaneMode(adaWeb, true);
  await person.logOut(ada, 'Ada’s study');
  await person.openChat(ada, GROUP);
  await person.write(ada, 'After the study was logged out');
  for (const page of [bob, bobWeb, cy]) {
    await person.openChat(page, GROUP);
    await person.message(page, 'After the study was logged out').waitFor();
  }
  await person.openChat(adaWeb, GROUP);
  await person.write(adaWeb, 'From a lost browser');
  await person.leaveAirplaneMode(adaWeb);
  await adaWeb.getByRole('heading', { name: 'This browser was logged out' }).waitFor();
  for (const page of [ada, bob, bobWeb, cy])
    assert.is(await person.message(page, 'From a lost browser').count(), 0);
  await adaWeb.reload();
  await adaWeb.getByRole('img', { name: 'QR code to link this browser' }).waitFor();
});

test('contacts are told when devices come and go', async () => {
  await bob.getByRole('alert').filter({ hasText: 'Ada Lovelace logged a device out' }).waitFor();
});

test('who is taken out reads nothing more', async () => {
  await person.removeMember(ada, GROUP, 'Cy Young');
  await person.openChat(ada, GROUP);
  await person.write(ada, 'Without Cy');
  await person.openChat(bob, GROUP);
  await person.message(bob, 'Without Cy').waitFor();
  assert.is(await person.message(cy, 'Without Cy').count(), 0);
  await person.connection(cy, 'Not a member');
  await cy.getByText('You are no member of this chat any more').waitFor();
});

test('somebody who calls himself Bob is not Bob: the numbers differ', async () => {
  const mallory = await world.newPage(PHONE);
  await person.createAccount(mallory, relay.phoneUrl, 'Bob Noyce');
  await person.addContactByText(cy, await person.cardOn(mallory));
  await person.acceptRequest(mallory, 'Cy Young');
  await person.contactKnown(cy, 'Bob Noyce');
  await person.compareSafety(cy, 'Bob Noyce', await person.safetyCode(bob, 'Ada Lovelace'));
  await cy.getByRole('alert').filter({ hasText: 'The numbers differ' }).waitFor();
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();
