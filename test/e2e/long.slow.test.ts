// A long chat in a browser: imported, opened at its newest message, read back to its first, and opened again. Rules:
// spec/pages.md §3, from the outside.
// needs: chromium, build
// timeout: 240s
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as person from './support/people.ts';
import { type Relay, startRelay } from './support/relay.ts';
import { openWorld, PHONE, type World } from './support/world.ts';

const test = suite('a long chat');
const MESSAGES = 6_000;

let relay: Relay;
let world: World;
let phone: Page;

test.before(async () => {
  [relay, world] = await Promise.all([startRelay(), openWorld()]);
  phone = await world.newPage(PHONE);
});

test.after(async () => {
  await world?.close();
  await relay?.close();
});

const two = (value: number): string => String(value).padStart(2, '0');

/** As WhatsApp exports it, a message a minute. */
const exported = (): string =>
  Array.from({ length: MESSAGES }, (_, i) => {
    const at = new Date(Date.UTC(2023, 0, 1) + i * 60_000);
    const day = `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`;
    return `${day}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} - ${i % 2 ? 'Bea' : 'Ada'}: message ${i} of many`;
  }).join('\n');

/** Scrolls up until the first message is there. @returns how often. */
const readBack = async (): Promise<number> => {
  const first = person.message(phone, 'message 0 of many');
  for (let steps = 0; ; steps++) {
    if ((await first.count()) > 0) return steps;
    assert.ok(steps < 2_000, 'the first message never comes');
    await phone.getByRole('region', { name: /^Messages in/ }).evaluate((view) => view.scrollTo(0, 0));
    await phone.waitForTimeout(20);
  }
};

test('thousands of messages are imported, and the newest is on screen', async () => {
  await person.createAccount(phone, relay.phoneUrl, 'Ada Lovelace');
  await person.visit(phone, 'import');
  const buffer = Buffer.from(exported());
  await phone
    .locator('input[type=file]')
    .setInputFiles({ name: 'WhatsApp Chat with Bea.txt', mimeType: 'text/plain', buffer });
  await phone.getByRole('button', { name: 'Import', exact: true }).click();
  await phone.getByText(`${MESSAGES.toLocaleString('en')} messages imported`).waitFor({ timeout: 120_000 });
  await phone.getByRole('link', { name: 'Open the chat' }).click();
  await person.message(phone, `message ${MESSAGES - 1} of many`).waitFor();
});

test('it opens at its newest message after a reload, and is read back to its first', async () => {
  await phone.reload();
  await person.message(phone, `message ${MESSAGES - 1} of many`).waitFor();
  assert.ok((await readBack()) > 10);
  const texts = await person.texts(phone);
  const numbers = texts.map((text) => Number(/\d+/.exec(text)![0]));
  assert.equal(
    numbers,
    numbers.map((_, i) => i),
    'from the first on, none missing',
  );
});

/** Where a message stands in the view, from its top; undefined if it is not in the page. */
const topOf = (text: string): Promise<number | undefined> =>
  phone.getByRole('region', { name: /^Messages in/ }).evaluate((view, text) => {
    const row = [...view.querySelectorAll('[data-message]')].find((each) => each.textContent?.includes(text));
    return row && row.getBoundingClientRect().top - view.getBoundingClientRect().top;
  }, text);

test('a day in the middle is shown at once, read on from, and left for the newest', async () => {
  await phone.reload();
  await person.message(phone, `message ${MESSAGES - 1} of many`).waitFor();
  await phone.getByRole('link', { name: 'About this chat' }).click();
  const field = phone.getByLabel('Go to a day');
  assert.is(await field.getAttribute('min'), '2023-01-01');
  await field.fill('2023-01-03');
  await phone.getByRole('button', { name: 'Show that day' }).click();
  const first = 2 * 24 * 60;
  await person.message(phone, `message ${first} of many`).waitFor();
  await phone.waitForFunction(() => document.querySelectorAll('[data-message]').length > 60);
  const top = await topOf(`message ${first} of many`);
  assert.ok(top !== undefined && top >= 0 && top < 200, `the day begins at the top, not at ${top}`);
  assert.is(await person.message(phone, `message ${MESSAGES - 1} of many`).count(), 0);
  const view = phone.getByRole('region', { name: /^Messages in/ });
  // Some pages on: what comes is in order, and nothing is left out.
  for (const [to, wanted] of [
    [Number.MAX_SAFE_INTEGER, first + 600],
    [0, first - 600],
  ] as const)
    for (let steps = 0; (await person.message(phone, `message ${wanted} of many`).count()) === 0; steps++) {
      assert.ok(steps < 1_000, `message ${wanted} never comes`);
      await view.evaluate((element, to) => element.scrollTo(0, to), to);
      await phone.waitForTimeout(20);
      const numbers = (await person.texts(phone)).map((text) => Number(/\d+/.exec(text)![0]));
      assert.equal(
        numbers,
        numbers.map((_, i) => numbers[0]! + i),
      );
    }
  await phone.getByRole('button', { name: 'Newest messages' }).click();
  await person.message(phone, `message ${MESSAGES - 1} of many`).waitFor();
  assert.not.match(phone.url(), /2023-01-03/);
});

test('no page threw an error or broke its security policy', () => {
  assert.equal(world.faults, []);
});

test.run();
