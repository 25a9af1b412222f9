// The search for canaries finds each in every disguise that it claims to see through.
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { searchCanaries } from '../src/canaries.ts';

const test = suite('canaries');
const text = `canary-${randomBytes(12).toString('hex')}`;
const canary = { name: 'text', bytes: Buffer.from(text) };
const around = (bytes: Uint8Array) => Buffer.concat([randomBytes(777), bytes, randomBytes(333)]);

const disguises: [string, Uint8Array][] = [
  ['UTF-8', Buffer.from(text)],
  ['UTF-16LE', Buffer.from(text, 'utf16le')],
  ['UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
  ['hexadecimal', Buffer.from(Buffer.from(text).toString('hex'))],
  ...[0, 1, 2].map((offset): [string, Uint8Array] => [
    `base64 at ${offset}`,
    Buffer.from(Buffer.concat([randomBytes(offset), Buffer.from(text), randomBytes(5)]).toString('base64')),
  ]),
  ['raw deflate', deflateRawSync(Buffer.from(`{"x":"${text}"}`.repeat(3)))],
  [
    'raw deflate, dynamic',
    deflateRawSync(
      Buffer.concat([Buffer.from(randomBytes(3000).toString('base64')), Buffer.from(text)]).subarray(-3000),
    ),
  ],
  ['zlib', deflateSync(Buffer.from(text))],
  ['gzip', gzipSync(Buffer.from(text))],
  ['stored', deflateRawSync(Buffer.from(text), { level: 0 })],
];

for (const [name, bytes] of disguises)
  test(`finds ${name}`, () => {
    assert.ok(searchCanaries('here', around(bytes), [canary]).length > 0);
  });

test('finds every deflated text, whatever stands before it in its stream', () => {
  for (let before = 0; before < 200; before++) {
    const words = Buffer.concat([
      Buffer.from('abcabcabc '.repeat(before % 7)),
      randomBytes(before),
      Buffer.from(text),
    ]);
    for (const level of [1, 6, 9])
      for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED])
        assert.ok(
          searchCanaries('here', deflateRawSync(words, { level, strategy }), [canary]).length > 0,
          `${before}`,
        );
  }
});

test('finds nothing in random bytes', () => {
  assert.equal(searchCanaries('here', randomBytes(20_000), [canary]), []);
});

test('refuses a canary that chance would find', () => {
  assert.throws(
    () => searchCanaries('here', randomBytes(10), [{ name: 'short', bytes: Buffer.from('short') }]),
    /shorter/,
  );
});

test.run();
