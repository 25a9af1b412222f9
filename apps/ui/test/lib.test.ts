// The pure parts of the apps: what becomes a link, how messages are grouped, how routes and names are made.
// No spec rules here.
import type { Message } from '@sealwire/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRoute, routeTo } from '../src/hooks/useRoute.ts';
import { dayStart, dayText, formatAgo, formatCountdown, formatDay, plural } from '../src/lib/format.ts';
import { linkParts } from '../src/lib/linkify.ts';
import { proposeBrowserName, proposePhoneName } from '../src/lib/platform-name.ts';
import { buildRows, shownAuthor } from '../src/lib/rows.ts';

const MINUTE = 60_000;
/** Noon, local time. */
const NOON = new Date(2026, 4, 20, 12).getTime();

const test = suite('ui-lib');

const links = (text: string): string[] =>
  linkParts(text)
    .filter(({ kind }) => kind === 'link')
    .map(({ text }) => text);

test('only http and https addresses become links, without the punctuation after them', () => {
  assert.equal(links('see https://a.example/x?y=1#z, or (http://b.example).'), [
    'https://a.example/x?y=1#z',
    'http://b.example',
  ]);
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'https://', 'file:///etc', 'a.example']) {
    assert.equal(links(text), []);
  }
});

test('the parts of a text joined are the text', () => {
  for (const text of [
    '',
    'plain',
    'https://a.example',
    'a https://a.example! b\nhttps:// http://c.example/<b>',
  ]) {
    assert.is(
      linkParts(text)
        .map((part) => part.text)
        .join(''),
      text,
    );
  }
});

const message = (id: string, at: number, over: Partial<Message> = {}): Message => ({
  id,
  at,
  text: id,
  state: 'sent',
  author: { accountId: 'a', deviceId: 'd', name: 'Ada', isMe: true },
  ...over,
});

test('a day begins with its separator, and a run in the middle of a day does not', () => {
  const run = [message('1', NOON), message('2', NOON + 24 * 60 * MINUTE)];
  const kinds = (before: Message | undefined) => buildRows(run, before).map(({ kind }) => kind);
  assert.equal(kinds(undefined), ['day', 'message', 'day', 'message']);
  assert.equal(kinds(message('0', NOON - MINUTE)), ['message', 'day', 'message']);
});

test('messages of one author stand together for five minutes; imported ones group by the name they carry', () => {
  const origin = (name: string) => ({ origin: { name, sentAt: NOON, source: 'WhatsApp' } });
  const rows = buildRows(
    [
      message('1', NOON),
      message('2', NOON + MINUTE),
      message('3', NOON + 10 * MINUTE),
      message('4', NOON + 11 * MINUTE, origin('Grace')),
      message('5', NOON + 11 * MINUTE, origin('Ada')),
    ],
    undefined,
  );
  const shape = rows.flatMap((row) => (row.kind === 'message' ? [[row.key, row.first, row.last]] : []));
  assert.equal(shape, [
    ['1', true, false],
    ['2', false, true],
    ['3', true, true],
    ['4', true, true],
    ['5', true, true],
  ]);
});

test('an imported message shows its origin, never the account that imported it', () => {
  const imported = message('1', NOON, { origin: { name: 'Grace', sentAt: NOON, source: 'WhatsApp' } });
  assert.is(shownAuthor(imported), 'Grace');
  assert.is(shownAuthor(message('2', NOON)), 'You');
});

test('routes survive the way through the address, whatever the id holds', () => {
  for (const chatId of ['abc', 'a/b', '%', 'ü #']) {
    assert.equal(parseRoute(routeTo({ page: 'chat', chatId })), { page: 'chat', chatId });
  }
  for (const page of ['chats', 'settings', 'link'] as const)
    assert.equal(parseRoute(routeTo({ page })), { page });
  const [chatId, day] = ['0f', '2024-02-29'];
  assert.equal(parseRoute(routeTo({ page: 'chat', chatId, day })), { page: 'chat', chatId, day });
  for (const wrong of ['2024-13-01', '24-1-1', 'yesterday', ''])
    assert.equal(parseRoute(`#/chat/0f/${wrong}`), { page: 'chat', chatId });
  assert.is(dayText(dayStart(day)), day);
  assert.is(dayText(NOON), '2026-05-20');
  for (const hash of ['', '#', '#/nowhere', '#/chat/']) assert.equal(parseRoute(hash), { page: 'chats' });
});

test('times read as people say them', () => {
  assert.is(formatDay(NOON - 13 * 60 * MINUTE, NOON), 'Yesterday');
  assert.is(formatDay(NOON - 11 * 60 * MINUTE, NOON), 'Today');
  assert.is(formatAgo(NOON - 20_000, NOON), 'just now');
  assert.is(formatCountdown(41_001), '0:42');
  assert.is(formatCountdown(-1), '0:00');
  assert.is(plural(1, 'message'), '1 message');
});

test('devices get a name that says what they are', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';
  assert.is(proposeBrowserName(chrome), 'Chrome on Linux');
  assert.is(proposePhoneName('Ada Lovelace'), 'Ada’s phone');
  assert.is(proposePhoneName('  '), 'My phone');
});

test.run();
