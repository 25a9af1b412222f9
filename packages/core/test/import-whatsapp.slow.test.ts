// A chat of a million lines, and texts made to be slow: the importer's time grows as the file does.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWhatsAppExport } from '../src/import/whatsapp.ts';

const test = suite('import-whatsapp-size');

/** `count` messages, a minute apart, every tenth with a second line. */
function exportOf(count: number): string {
  const start = Date.UTC(2019, 0, 1);
  return Array.from({ length: count }, (_, i) => {
    const [date = '', time = ''] = new Date(start + i * 60_000).toISOString().split('T');
    const [y, m, d] = date.split('-');
    return `${d}/${m}/${y}, ${time.slice(0, 5)} - ${i % 3 === 0 ? 'Ada' : 'Bo'}: message ${i}${i % 10 === 0 ? '\nmore' : ''}`;
  }).join('\n');
}

/** Processor time, the best of several runs: what else the machine does only ever adds to it. */
const msFor = (text: string): number => {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = process.cpuUsage();
    parseWhatsAppExport(text);
    const { user, system } = process.cpuUsage(startedAt);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
};

test('a million messages are all there, in order', () => {
  const { messages, names, dateOrder } = parseWhatsAppExport(exportOf(1_000_000));
  assert.is(messages.length, 1_000_000);
  assert.equal(names, ['Ada', 'Bo']);
  assert.is(dateOrder, 'dmy');
  assert.is(messages[999_990]?.text, 'message 999990\nmore');
});

test('ten times the messages take about ten times the time', () => {
  const small = exportOf(20_000);
  const large = exportOf(200_000);
  msFor(small);
  const ratio = msFor(large) / msFor(small);
  assert.ok(ratio < 40, `${ratio.toFixed(1)} times`);
});

test('one message of very many lines, and very long lines, take time in proportion too', () => {
  const shapes: ((size: number) => string)[] = [
    (size) => `17/03/2020, 14:05 - Ada: hi\n${'go on: and on\n'.repeat(size)}`,
    (size) => `17/03/2020, 14:05 - Ada: ${'a: "b '.repeat(size)}`,
    (size) => `17/03/2020, 14:05 - ${'no colon '.repeat(size)}`,
    (size) => `17/03/2020, 14:05 - Ada${' '.repeat(size)}x: hi\n17/03/2020, 14:05 - Ada: hi`,
    (size) => Array.from({ length: size }, (_, i) => `17/03/2020 w${i.toString(36)} 14:05 - A: x`).join('\n'),
  ];
  for (const [i, shape] of shapes.entries()) {
    const text = (size: number): string => `${shape(size)}\n18/03/2020, 14:05 - Bo: end`;
    msFor(text(20_000));
    const ratio = msFor(text(200_000)) / Math.max(1, msFor(text(20_000)));
    assert.ok(ratio < 40, `shape ${i}: ${ratio.toFixed(1)} times`);
  }
});

test.run();
