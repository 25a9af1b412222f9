// The WhatsApp importer: each thing that exports do and that a parser gets wrong, and one whole export.
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWhatsAppExport, type WhatsAppImportOptions } from '../src/import/whatsapp.ts';

const test = suite('import-whatsapp');

/** Local time, as the importer reads it. */
const at = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number =>
  new Date(year, month - 1, day, hour, minute, second).getTime();

const lines = (...all: string[]): string => `${all.join('\n')}\n`;
const parse = (text: string, options?: WhatsAppImportOptions): ReturnType<typeof parseWhatsAppExport> =>
  parseWhatsAppExport(text, options);
const first = (text: string): [string, number, string] => {
  const [message] = parse(text).messages;
  if (!message) throw new Error('no message');
  return [message.name, message.sentAt, message.text];
};
const EVENING = at(2020, 3, 17, 14, 5);
const SECONDS = at(2020, 3, 17, 14, 5, 9);

test('Android and iPhone, 24 hours and 12, slashes, dots, dashes and ISO', () => {
  const good: [string, number][] = [
    ['17/03/2020, 14:05 - Ada: hi', EVENING],
    ['17/03/20, 14:05 - Ada: hi', EVENING],
    ['17.03.20, 14:05 - Ada: hi', EVENING],
    ['17-03-20 14:05 - Ada: hi', EVENING],
    ['17/03/2020 14:05 - Ada: hi', EVENING],
    ['17/03/2020 à 14:05 - Ada: hi', EVENING],
    ['17/03/2020 14 h 05 - Ada: hi', EVENING],
    ['17/3/20 14.05 - Ada: hi', EVENING],
    ['2020-03-17, 14:05 - Ada: hi', EVENING],
    ['2020/03/17 14:05 - Ada: hi', EVENING],
    ['3/17/20, 2:05 PM - Ada: hi', EVENING],
    ['17/03/2020, 2:05 pm - Ada: hi', EVENING],
    ['17/3/20 2:05 p. m. - Ada: hi', EVENING],
    ['[17/03/20, 14:05:09] Ada: hi', SECONDS],
    ['[17.03.20, 14:05:09] Ada: hi', SECONDS],
    ['[2020-03-17, 14:05:09] Ada: hi', SECONDS],
    ['[3/17/20, 2:05:09 PM] Ada: hi', SECONDS],
    ['17/03/2020, 14:05:09: Ada: hi', SECONDS],
  ];
  for (const [text, sentAt] of good) assert.equal(first(text), ['Ada', sentAt, 'hi'], text);
});

test('midnight and noon on a 12-hour clock', () => {
  const hours: [string, number][] = [
    ['12:05 AM', 0],
    ['1:05 AM', 1],
    ['12:05 PM', 12],
    ['1:05 PM', 13],
  ];
  for (const [time, hour] of hours) {
    assert.is(first(`3/17/20, ${time} - Ada: hi`)[1], at(2020, 3, 17, hour, 5), time);
  }
});

test('narrow and no-break spaces before AM and PM', () => {
  assert.equal(first('[3/17/20, 2:05:09\u202fPM] Ada: hi'), ['Ada', SECONDS, 'hi']);
  assert.equal(first('3/17/20, 2:05\u00a0PM - Ada: hi'), ['Ada', EVENING, 'hi']);
  assert.equal(first('17/3/20, 2:05\u202fp.\u00a0m. - Ada: hi'), ['Ada', EVENING, 'hi']);
});

test('a byte order mark costs no message', () => {
  const { messages, notUnderstood } = parse(
    '\ufeff17/03/2020, 14:05 - Ada: one\n17/03/2020, 14:06 - Ada: two\n',
  );
  assert.equal(
    messages.map(({ text }) => text),
    ['one', 'two'],
  );
  assert.is(notUnderstood, 0);
});

test('invisible marks of direction: before the head, in it, around names, before text', () => {
  assert.equal(first('\u200e[17/03/20, 14:05:09] Ada: \u200eimage omitted'), [
    'Ada',
    SECONDS,
    'image omitted',
  ]);
  assert.equal(first('\u200f17/03/2020, 14:05 - \u202aAda\u202c: hi'), ['Ada', EVENING, 'hi']);
  assert.equal(first('17\u200f/03\u200f/2020, 14:05 - \u2068Ada\u2069: hi'), ['Ada', EVENING, 'hi']);
  assert.equal(first('17/03/2020, 14:05 - \u202a+44\u00a07700\u00a0900123\u202c: hi')[0], '+44 7700 900123');
});

test('marks inside a text stay: they are part of what was written', () => {
  assert.is(first('17/03/2020, 14:05 - Ada: a \u200fب\u200e c')[2], 'a \u200fب\u200e c');
});

test('the tilde of people who are no contacts is no part of the name', () => {
  for (const name of ['~ Ada', '~\u202fAda', '~Ada', '\u200e~\u00a0Ada']) {
    assert.is(first(`17/03/2020, 14:05 - ${name}: hi`)[0], 'Ada', name);
  }
});

test('digits of other scripts', () => {
  assert.equal(first('١٧/٣/٢٠٢٠، ١٤:٠٥ - أحمد: مرحبا'), ['أحمد', EVENING, 'مرحبا']);
  assert.equal(first('۱۷/۳/۲۰۲۰، ۱۴:۰۵ - سارا: سلام'), ['سارا', EVENING, 'سلام']);
  assert.equal(first('१७/३/२०२०, १४:०५ - आदा: नमस्ते'), ['आदा', EVENING, 'नमस्ते']);
  assert.equal(first('১৭/৩/২০২০, ১৪:০৫ - আদা: ১৭'), ['আদা', EVENING, '১৭']);
});

test('Arabic morning and evening', () => {
  assert.equal(first('١٧\u200f/٣\u200f/٢٠٢٠، ٢:٠٥ م - أحمد: مرحبا'), ['أحمد', EVENING, 'مرحبا']);
  assert.equal(first('17/3/2020، 2:05 ص - أحمد: مرحبا'), ['أحمد', at(2020, 3, 17, 2, 5), 'مرحبا']);
  assert.equal(first('[١٧/٣/٢٠٢٠، ١٢:٠٥:٠٩ ص] أحمد: مرحبا'), ['أحمد', at(2020, 3, 17, 0, 5, 9), 'مرحبا']);
});

test('Korean, Japanese and Chinese dates and hours', () => {
  const good = [
    '2020년 3월 17일 오후 2:05, 지민 : 안녕',
    '2020. 3. 17. 오후 2:05 - 지민: 안녕',
    '2020/3/17 下午2:05 - 지민: 안녕',
    '2020年3月17日 下午2:05 - 지민: 안녕',
    '2020/03/17 午後2:05 - 지민: 안녕',
  ];
  for (const text of good) assert.equal(first(text), ['지민', EVENING, '안녕'], text);
  assert.equal(first('[2020. 3. 17. 오전 12:05:09] 지민: 안녕'), ['지민', at(2020, 3, 17, 0, 5, 9), '안녕']);
});

test('other words for morning and evening', () => {
  const good = ['2:05 μ.μ.', '2:05 ÖS', '2:05 em', '2:05 odp.', '2:05 अपराह्न', '2:05 ب.ظ.'];
  for (const time of good) assert.is(first(`17/03/2020, ${time} - Ada: hi`)[1], EVENING, time);
  assert.is(first('2020. 03. 17. du. 2:05 - Ada: hi')[1], EVENING);
});

test('a Thai year is a Buddhist year', () => {
  assert.is(first('17/3/2563 14:05 - Ada: hi')[1], EVENING);
});

test('all kinds of line ends, and none at the last line', () => {
  for (const end of ['\r\n', '\n', '\r']) {
    const { messages } = parse(`17/03/2020, 14:05 - Ada: one${end}more${end}17/03/2020, 14:06 - Bo: two`);
    assert.equal(
      messages.map(({ text }) => text),
      ['one\nmore', 'two'],
      JSON.stringify(end),
    );
  }
});

test('a message of many lines keeps them all, empty ones too', () => {
  const { messages } = parse(lines('17/03/2020, 14:05 - Ada: one', '', ' two', 'Bo: three', '', ''));
  assert.equal(
    messages.map(({ text }) => text),
    ['one\n\n two\nBo: three'],
  );
});

test('quoted heads of another form are text, not messages', () => {
  const text = lines(
    '17/03/2020, 14:05 - Ada: he wrote',
    '[16/03, 10:00] Bo: no year',
    '[16/03/2020, 10:00:00] Bo: another phone',
    '16/03/2020 10:00 - dentist: no comma',
    '17/03/2020, 14:06 - Bo: I did',
    '17/03/2020, 14:07 - Ada: yes',
    '17/03/2020, 14:08 - Ada: you',
    '17/03/2020, 14:09 - Ada: did',
    '17/03/2020, 14:10 - Ada: so',
    '17/03/2020, 14:11 - Ada: there',
  );
  const { messages, names } = parse(text);
  assert.is(messages.length, 7);
  assert.equal(names, ['Ada', 'Bo']);
  assert.match(messages[0]?.text ?? '', /no year\n.*another phone\n.*no comma$/);
});

test('system lines have no author, even with a colon in them', () => {
  const system = [
    '17/03/2020, 14:05 - Messages and calls are end-to-end encrypted. Learn more.',
    '17/03/2020, 14:05 - Ada created group "Trip: Rome"',
    '17/03/2020, 14:05 - Ada changed the subject from "Trip: Rome" to "Plans: Oslo"',
    '17/03/2020, 14:05 - Ada changed the group description to: bring: gloves',
    '17/03/2020, 14:05 - Ada hat den Betreff geändert: Reise',
    '17/03/2020, 14:05 - Ada cambió el asunto: Viaje',
  ];
  const { messages, systemMessages, names } = parse(lines(...system, '17/03/2020, 14:05 - Ada: hi'));
  assert.is(systemMessages, system.length);
  assert.is(messages.length, 1);
  assert.equal(names, ['Ada']);
});

test('an iPhone names an author for system lines; they are system lines all the same', () => {
  const system = [
    '[17/03/20, 14:05:09] Trip to Rome: \u200eMessages and calls are end-to-end encrypted.',
    '[17/03/20, 14:05:09] Reise: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.',
    '[17/03/20, 14:05:09] Trip to Rome: \u200eAda created this group',
    '[17/03/20, 14:05:09] ~ Ada: \u200e~ Ada joined using an invite link',
    '[17/03/20, 14:05:09] Ada: \u200eYou added Bo',
  ];
  const said = [
    '[17/03/20, 14:05:09] Ada: I changed my mind',
    '[17/03/20, 14:05:09] Ada: \u200eThis message was deleted.',
    '[17/03/20, 14:05:09] Ada: \u200e<attached: 00000012-PHOTO-changed by Bo.jpg>',
    '[17/03/20, 14:05:09] Ada: \u200eList changed by Bo.pdf • \u200e3 pages \u200edocument omitted',
  ];
  const { messages, systemMessages, names } = parse(lines(...system, ...said));
  assert.is(systemMessages, system.length);
  assert.is(messages.length, said.length);
  assert.equal(names, ['Ada']);
});

test('names with quotes, commas, colons without a space, and words of system lines', () => {
  for (const name of [
    'Robert "Bob" Smith',
    'Smith, Ada',
    'Ada:Work',
    'Ada „die Große“ Groß',
    'Leftfield',
    'A leftover',
  ]) {
    assert.is(first(`17/03/2020, 14:05 - ${name}: hi`)[0], name);
  }
});

test('what stands for media stays as text, an empty text is one', () => {
  const { messages } = parse(
    lines(
      '17/03/2020, 14:05 - Ada: <Media omitted>',
      '17/03/2020, 14:05 - Ada: ',
      '17/03/2020, 14:05 - Ada:',
    ),
  );
  assert.equal(
    messages.map(({ text }) => text),
    ['<Media omitted>', '', ''],
  );
});

const dates = (...all: string[]): string => lines(...all.map((date) => `${date}, 14:05 - Ada: hi`));

test('the order of day and month: certain when only one is possible', () => {
  const sure: [string, string, number][] = [
    [dates('17/03/2020'), 'dmy', at(2020, 3, 17, 14, 5)],
    [dates('03/17/2020'), 'mdy', at(2020, 3, 17, 14, 5)],
    [dates('3/4/20', '3/13/20'), 'mdy', at(2020, 3, 4, 14, 5)],
    [dates('2020-04-03'), 'ymd', at(2020, 4, 3, 14, 5)],
    [dates('20/03/17', '20/04/02'), 'ymd', at(2020, 3, 17, 14, 5)],
    // In order only if the day stands first; and only if the month does.
    [dates('05/04/20', '03/05/20'), 'dmy', at(2020, 4, 5, 14, 5)],
    [dates('04/05/20', '05/03/20'), 'mdy', at(2020, 4, 5, 14, 5)],
    [dates('03.04.20'), 'dmy', at(2020, 4, 3, 14, 5)],
  ];
  for (const [text, dateOrder, sentAt] of sure) {
    const { dateOrder: found, dateOrderDetected, messages } = parse(text);
    assert.equal([found, dateOrderDetected, messages[0]?.sentAt], [dateOrder, 'certain', sentAt], text);
  }
});

test('the order of day and month: guessed when both are, and it says so', () => {
  const unsure: [string, string][] = [
    [dates('03/04/2020'), 'dmy'],
    [lines('3/4/20, 2:05 PM - Ada: hi'), 'mdy'],
    [dates('01/03/2020', '02/03/2020', '03/03/2020'), 'dmy'],
    [dates('3/1/2020', '3/2/2020', '3/3/2020'), 'mdy'],
  ];
  for (const [text, dateOrder] of unsure) {
    const { dateOrder: found, dateOrderDetected } = parse(text);
    assert.equal([found, dateOrderDetected], [dateOrder, 'guessed'], text);
  }
});

test('a person who knows better decides', () => {
  const text = dates('03/04/05');
  const sentAt = (dateOrder: 'dmy' | 'mdy' | 'ymd'): number | undefined =>
    parse(text, { dateOrder }).messages[0]?.sentAt;
  assert.is(sentAt('dmy'), at(2005, 4, 3, 14, 5));
  assert.is(sentAt('mdy'), at(2005, 3, 4, 14, 5));
  assert.is(sentAt('ymd'), at(2003, 4, 5, 14, 5));
  assert.is(parse(text, { dateOrder: 'mdy' }).dateOrderDetected, 'certain');
});

test('lines that belong nowhere are counted, and are nobody\u2019s text', () => {
  const text = lines(
    'A page of its own',
    '',
    '17/03/2020, 14:05 - Ada: one',
    '31/02/2020, 14:05 - Bo: on no day',
    'and more of it',
    '17/03/2020, 14:06 - Ada: two',
  );
  const { messages, notUnderstood, names } = parse(text);
  assert.equal(
    messages.map(({ text }) => text),
    ['one', 'two'],
  );
  assert.is(notUnderstood, 3);
  assert.equal(names, ['Ada']);
});

const refusal = (file: string | Uint8Array, options?: WhatsAppImportOptions): string => {
  try {
    parseWhatsAppExport(file, options);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
  return 'accepted';
};

test('a file without messages is refused with a next step', () => {
  const empty = [
    '',
    '\ufeff',
    'Dear Ada,\nhow are you?\n',
    '17/03/2020, 14:05 - Ada left\n',
    '99/99/9999, 14:05 - A: x',
  ];
  for (const file of empty) assert.match(refusal(file), /^IMPORT_NO_MESSAGES: .*Export chat/, file);
  assert.match(refusal(dates('17/03/2020'), { dateOrder: 'mdy' }), /^IMPORT_NO_MESSAGES: .*another order/);
});

test('a caller\u2019s mistake is no fault of the file', () => {
  assert.throws(
    () => parseWhatsAppExport(7 as never),
    (error: unknown) => error instanceof TypeError,
  );
  assert.throws(
    () => parseWhatsAppExport('', { dateOrder: 'ydm' as never }),
    (error: unknown) => error instanceof RangeError,
  );
});

const EXPORT = '17/03/2020, 14:05 - Adá 🌱: hi\n';

test('bytes: UTF-8 with and without a mark, UTF-16 in both orders', () => {
  const utf8 = new TextEncoder().encode(EXPORT);
  const little = new Uint8Array(Buffer.from(EXPORT, 'utf16le'));
  const big = new Uint8Array(Buffer.from(EXPORT, 'utf16le').swap16());
  const files = [
    utf8,
    new Uint8Array([0xef, 0xbb, 0xbf, ...utf8]),
    new Uint8Array([0xff, 0xfe, ...little]),
    new Uint8Array([0xfe, 0xff, ...big]),
    little,
    big,
  ];
  for (const file of files) {
    const before = file.slice();
    assert.equal(parseWhatsAppExport(file).messages, [{ name: 'Adá 🌱', sentAt: EVENING, text: 'hi' }]);
    assert.equal(file, before);
  }
});

test('bytes: the zip archive that phones make', () => {
  const text = new TextEncoder().encode(EXPORT);
  const noise = new TextEncoder().encode('x'.repeat(500));
  const archives = [
    { '_chat.txt': text, 'notes.txt': noise, 'photo.jpg': noise },
    { 'WhatsApp Chat with Ada.txt': text, '__MACOSX/._WhatsApp Chat with Ada.txt': noise },
  ];
  for (const files of archives) assert.is(parseWhatsAppExport(zipSync(files)).messages.length, 1);
  assert.match(refusal(zipSync({ 'photo.jpg': noise })), /^IMPORT_NO_MESSAGES: .*holds no chat/);
  assert.match(refusal(zipSync({ '_chat.txt': text }).slice(0, 40)), /^IMPORT_NO_MESSAGES: .*damaged/);
});

test('a whole export: nothing is lost, nobody is added', () => {
  const file = readFileSync(new URL('../../../test/fixtures/whatsapp-group-android.txt', import.meta.url));
  const { messages, names, ...rest } = parseWhatsAppExport(file);
  assert.equal(rest, {
    dateOrder: 'dmy',
    dateOrderDetected: 'certain',
    notUnderstood: 0,
    systemMessages: 11,
  });
  assert.equal(names, ['Maya Lindqvist', 'Tomás Ribeiro', 'Yusuf', '+44 7700 900123', 'Noa Ben-Ami']);
  const counts = names.map((name) => messages.filter((message) => message.name === name).length);
  assert.equal(counts, [67, 58, 43, 55, 38]);
  assert.ok(messages.every(({ sentAt }, i) => i === 0 || sentAt >= (messages[i - 1]?.sentAt ?? 0)));
  assert.is(messages.flatMap(({ text }) => text.split('\n')).length + rest.systemMessages, 308);
  assert.is(messages.at(-1)?.text, 'For next year: a better fox 🦊');
  assert.ok(messages.some(({ text }) => text.startsWith('12/04/2023 10:00 dentist')));
});

test.run();
