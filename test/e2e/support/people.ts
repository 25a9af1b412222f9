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
