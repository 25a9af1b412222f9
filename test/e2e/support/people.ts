// What a person does in the apps, by the names that a person or a screen reader finds things by.
// For the end-to-end tests.
import type { Locator, Page } from 'playwright-core';
import * as assert from 'uvu/assert';

export async function createAccount(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('textbox', { name: 'Your name' }).fill(name);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'No chats yet' }).waitFor();
}

/** Goes to a page of the app by its address, as a link would. */
export async function visit(page: Page, where: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${where}`);
}

export async function createChat(page: Page, title: string): Promise<void> {
  await visit(page, 'new-chat');
  await page.getByRole('textbox', { name: 'Chat title' }).fill(title);
  await page.getByRole('button', { name: 'Create chat' }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

export async function openChat(page: Page, title: string): Promise<void> {
  await visit(page, 'chats');
  await page.getByRole('navigation', { name: 'Chats' }).getByRole('link', { name: title }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

export const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' });

/** Writes messages into the open chat, each once the one before is stored. */
export async function write(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await composer(page).fill(text);
    await composer(page).press('Enter');
    await message(page, text).waitFor();
  }
}

export const message = (page: Page, text: string): Locator =>
  page.getByRole('article').filter({ has: page.getByText(text, { exact: true }) });

/** Waits until an own message is durable at the relay. */
export const sent = (page: Page, text: string): Promise<void> =>
  message(page, text).getByText('Sent', { exact: true }).waitFor();

/** Waits until the open chat is live and nothing of this device waits. */
export async function settled(page: Page): Promise<void> {
  await connection(page, 'Live');
  await page
    .getByText(/\d+ pending/)
    .first()
    .waitFor({ state: 'detached' });
}

export const connection = (page: Page, words: string): Promise<void> =>
  page
    .getByRole('status', { name: 'Connection' })
    .filter({ hasText: words, visible: true })
    .first()
    .waitFor();

/** The texts on screen in the open chat, from top to bottom. */
export const texts = (page: Page): Promise<string[]> =>
  page.getByRole('article').locator('.bubble-text').allInnerTexts();

/** Waits until two devices show the same messages in the same order, and tells which. */
export async function converged(a: Page, b: Page, expected: readonly string[]): Promise<string[]> {
  for (const page of [a, b]) for (const text of expected) await message(page, text).waitFor();
  const shown = await texts(a);
  assert.equal(await texts(b), shown);
  assert.equal([...shown].sort(), [...expected].sort());
  return shown;
}

export async function airplaneMode(page: Page, on: boolean): Promise<void> {
  await visit(page, 'settings');
  const control = page.getByRole('main').getByRole('switch', { name: 'Airplane mode' });
  if ((await control.getAttribute('aria-checked')) !== String(on)) await control.click();
  await page.getByRole('main').getByRole('switch', { name: 'Airplane mode', checked: on }).waitFor();
}

/** Lets a device back to its network that may be told at once that it is one no more. */
export async function leaveAirplaneMode(page: Page): Promise<void> {
  await visit(page, 'settings');
  await page.getByRole('main').getByRole('switch', { name: 'Airplane mode' }).click();
}

/** Nothing on the page alarms its person, and nothing was refused or noticed since the page was loaded. */
export async function unalarmed(page: Page): Promise<void> {
  assert.equal(await page.getByRole('alert').allInnerTexts(), []);
  await visit(page, 'notices');
  await page.getByRole('heading', { name: 'Security notices', level: 1 }).waitFor();
  assert.equal(await page.getByRole('list', { name: 'Notices' }).allInnerTexts(), []);
}

/** The code as text, as "Copy code as text" would copy it. */
export async function codeOn(web: Page): Promise<string> {
  const field = web.getByRole('textbox', { name: 'Code as text', includeHidden: true });
  await field.waitFor({ state: 'attached' });
  return field.inputValue();
}

export async function pasteCode(phone: Page, code: string): Promise<void> {
  await startLinking(phone);
  await phone.getByRole('button', { name: 'Paste the code as text' }).click();
  await phone.getByRole('textbox', { name: 'Code' }).fill(code);
  await phone.getByRole('button', { name: 'Continue' }).click();
}

export async function startLinking(phone: Page): Promise<void> {
  await visit(phone, 'devices');
  await phone.getByRole('button', { name: 'Link a device' }).click();
}

/** The six digits that the phone shows. */
export async function digitsOn(phone: Page): Promise<string> {
  const digits = phone.getByRole('status', { name: /^Six digits/ });
  await digits.waitFor();
  return ((await digits.textContent()) ?? '').replace(/\s/g, '');
}

export async function typeDigits(web: Page, digits: string): Promise<void> {
  await web.getByRole('textbox', { name: 'Six digits' }).fill(digits);
  await web.getByRole('button', { name: 'Continue' }).click();
}

/** From the moment the phone knows the code: digits, question, done. */
export async function finishLinking(phone: Page, web: Page, deviceName: string): Promise<void> {
  await typeDigits(web, await digitsOn(phone));
  await phone.getByRole('textbox', { name: 'Name of the new device' }).fill(deviceName);
  await phone.getByRole('button', { name: 'Link this device' }).click();
  await phone.getByText(`${deviceName} is linked`).waitFor();
  await phone.getByRole('button', { name: 'Done' }).click();
}

/** Links a browser by its code as text, from a page that shows one. */
export async function linkByText(phone: Page, web: Page, url: string, deviceName: string): Promise<void> {
  await web.goto(url);
  await pasteCode(phone, await codeOn(web));
  await finishLinking(phone, web, deviceName);
  await web
    .getByRole('navigation', { name: 'Chats' })
    .or(web.getByRole('heading', { name: 'No chats yet' }))
    .first()
    .waitFor();
}

export async function openDevice(page: Page, name: string): Promise<void> {
  await visit(page, 'devices');
  await page.getByRole('list', { name: 'Devices' }).getByRole('link', { name }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

export async function logOut(phone: Page, name: string): Promise<void> {
  await openDevice(phone, name);
  await phone.getByRole('button', { name: 'Log out', exact: true }).click();
  await phone.getByRole('button', { name: `Log out ${name}` }).click();
  await phone.getByRole('heading', { name: 'Linked devices', level: 1 }).waitFor();
}

/** This account's card, as "Copy my card as text" would copy it. */
export async function cardOn(page: Page): Promise<string> {
  await visit(page, 'card');
  const field = page.getByRole('textbox', { name: 'Card as text', includeHidden: true });
  await field.waitFor({ state: 'attached' });
  return field.inputValue();
}

export async function addContactByText(page: Page, card: string): Promise<void> {
  await visit(page, 'add-contact');
  await typeCode(page, card);
  await page.getByRole('heading', { name: 'People', level: 1 }).waitFor();
}

/** Types a code where the camera would read one. */
export async function typeCode(page: Page, code: string): Promise<void> {
  const byText = page.getByRole('button', { name: 'Paste the code as text' });
  await byText
    .or(page.getByRole('textbox', { name: 'Code' }))
    .first()
    .waitFor();
  if (await byText.isVisible()) await byText.click();
  await page.getByRole('textbox', { name: 'Code' }).fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
}

export async function acceptRequest(page: Page, name: string): Promise<void> {
  await visit(page, 'contacts');
  await page.getByRole('button', { name: `Accept ${name}` }).click();
  await contactKnown(page, name);
}

/** Waits until somebody is a contact who has answered. */
export async function contactKnown(page: Page, name: string): Promise<void> {
  await visit(page, 'contacts');
  const row = page.getByRole('list', { name: 'People' }).getByRole('link', { name });
  await row.waitFor();
  await row.getByText('Asked').waitFor({ state: 'detached' });
}

export async function openContact(page: Page, name: string): Promise<void> {
  await contactKnown(page, name);
  await page.getByRole('list', { name: 'People' }).getByRole('link', { name }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

export async function safetyNumber(page: Page, name: string): Promise<string> {
  await openContact(page, name);
  return (await page.locator('.safety').getAttribute('data-digits')) ?? '';
}

/** The code that this device shows for a contact's device to scan. */
export async function safetyCode(page: Page, name: string): Promise<string> {
  await openContact(page, name);
  return page.getByRole('textbox', { name: 'Safety number as text', includeHidden: true }).inputValue();
}

export async function compareSafety(page: Page, name: string, code: string): Promise<void> {
  await openContact(page, name);
  await page.getByRole('button', { name: 'Scan theirs' }).click();
  await typeCode(page, code);
}

export async function createGroup(page: Page, title: string, names: readonly string[]): Promise<void> {
  await visit(page, 'new-chat');
  await page.getByRole('textbox', { name: 'Chat title' }).fill(title);
  for (const name of names) await page.getByRole('checkbox', { name }).check();
  await page.getByRole('button', { name: 'Create chat' }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

export async function removeMember(page: Page, title: string, name: string): Promise<void> {
  await openChat(page, title);
  await page.getByRole('link', { name: 'About this chat' }).click();
  await page.getByRole('button', { name: `Remove ${name}` }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('list', { name: 'Members' }).getByText(name).waitFor({ state: 'detached' });
}

export async function moveRoom(page: Page, title: string): Promise<void> {
  await openChat(page, title);
  await page.getByRole('link', { name: 'About this chat' }).click();
  await page.getByRole('button', { name: 'Move to a new room' }).click();
  await page.getByRole('button', { name: 'Move', exact: true }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
}
