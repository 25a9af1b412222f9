// The code as bytes and text, and the cell that it vouches for. Rules: spec/link.md §1 and §2.
import { SealwireError, toHex } from '@sealwire/protocol';
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeLinkCell,
  encodeLinkCode,
  hashOfCell,
  LINK_CODE_BYTES,
  linkCodeBytes,
  openLinkCell,
  parseLinkCode,
} from '../src/link/code.ts';
import { bytesOf } from './link-kit.ts';

const test = suite('link code');

const CELL = encodeLinkCell({ suite: 1, oneTimeKey: bytesOf('one-time'), identityKey: bytesOf('identity') });
const CODE = { rendezvousId: bytesOf('cell', 16), relayId: bytesOf('relay', 16), hash: hashOfCell(CELL) };
const TEXT = encodeLinkCode(CODE);
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof SealwireError) return error.code;
    throw error;
  }
  return 'accepted';
};

test('[LK4] the text is short, alphanumeric for QR, no URL, and reads back', () => {
  assert.is(TEXT.length, 115);
  assert.match(TEXT, /^SW1-[A-Z2-7]{111}$/);
  assert.is(linkCodeBytes(CODE).length, LINK_CODE_BYTES);
  assert.equal(parseLinkCode(TEXT), CODE);
  assert.throws(() => new URL(TEXT));
});

test('[LK4] what happens to text on its way does no harm: case, spaces, line breaks', () => {
  const broken = TEXT.toLowerCase().replace(/(.{7})/g, '$1 \r\n\t\u00a0');
  assert.equal(parseLinkCode(`  ${broken}\n`), CODE);
});

test('[LK4] every other text is refused', () => {
  const others = [
    '',
    'SW1-',
    TEXT.slice(4),
    TEXT.slice(0, -1),
    `${TEXT}A`,
    `${TEXT}=`,
    `SW1:${TEXT.slice(4)}`,
    `SW2-${TEXT.slice(4)}`,
    `https://example.org/${TEXT}`,
    `${TEXT}${TEXT}`,
    `${TEXT}${' '.repeat(2_000)}`,
    TEXT.replace(/.$/, '0'),
    `${TEXT.slice(0, 50)}\u0131${TEXT.slice(51)}`,
  ];
  for (const text of others)
    assert.is(
      codeOf(() => parseLinkCode(text)),
      'LINK_CODE_INVALID',
      text,
    );
});

test('[LK4] any one character changed is noticed, at every place', () => {
  for (let i = 4; i < TEXT.length; i++) {
    for (const char of ['A', '7', BASE32[(BASE32.indexOf(TEXT[i]!) + 1) % 32]!]) {
      if (char === TEXT[i]) continue;
      const changed = TEXT.slice(0, i) + char + TEXT.slice(i + 1);
      assert.is(
        codeOf(() => parseLinkCode(changed)),
        'LINK_CODE_INVALID',
        `character ${i}`,
      );
    }
  }
});

test('[LK4] the last character has one form only', () => {
  const last = BASE32.indexOf(TEXT.at(-1)!);
  assert.is(last & 7, 0, 'three bits are left over');
  for (let bits = 1; bits < 8; bits++) {
    const changed = TEXT.slice(0, -1) + BASE32[last | bits]!;
    assert.is(
      codeOf(() => parseLinkCode(changed)),
      'LINK_CODE_INVALID',
    );
  }
});

test('[LK4] 20,000 seeded texts give a code or LINK_CODE_INVALID, and a code only for its own text', () => {
  const random = seededRandom(20_260_101);
  let accepted = 0;
  for (let run = 0; run < 20_000; run++) {
    const text = hostileText(random);
    let code: ReturnType<typeof parseLinkCode>;
    try {
      code = parseLinkCode(text);
    } catch (error) {
      assert.instance(error, SealwireError);
      assert.is((error as SealwireError).code, 'LINK_CODE_INVALID');
      continue;
    }
    accepted++;
    assert.is(encodeLinkCode(code), text.replace(/\s+/g, '').toUpperCase());
  }
  assert.ok(accepted > 500 && accepted < 10_000, `${accepted} accepted`);
});

test('[LK5] the cell must hold exactly what the code vouches for', () => {
  assert.equal(openLinkCell(CODE, CELL), {
    suite: 1,
    oneTimeKey: bytesOf('one-time'),
    identityKey: bytesOf('identity'),
  });
  for (let i = 0; i < CELL.length; i++) {
    const changed = CELL.slice();
    changed[i]! ^= 1;
    assert.is(
      codeOf(() => openLinkCell(CODE, changed)),
      'LINK_TAMPERED',
      `byte ${i}`,
    );
  }
  for (const other of [new Uint8Array(0), CELL.subarray(1), Uint8Array.of(...CELL, 0)]) {
    assert.is(
      codeOf(() => openLinkCell(CODE, other)),
      'LINK_TAMPERED',
    );
  }
});

test('[LK5] an honest cell of a suite to come is told apart from a swapped one', () => {
  for (const [suite, length] of [
    [3, 1 + 32 + 32],
    [3, 1 + 1216 + 32],
    [0, 1 + 32 + 32],
    [1, 1 + 1216 + 32],
    [2, 1 + 32 + 32],
    [2, 1 + 1184 + 32],
    [2, 1 + 1216 + 33],
  ] as const) {
    const cell = new Uint8Array(length).fill(suite);
    assert.is(
      codeOf(() => openLinkCell({ ...CODE, hash: hashOfCell(cell) }, cell)),
      'UNSUPPORTED_VERSION',
      `suite ${suite}, ${length} bytes`,
    );
  }
  assert.is(
    codeOf(() => openLinkCell({ ...CODE, hash: hashOfCell(new Uint8Array(0)) }, new Uint8Array(0))),
    'UNSUPPORTED_VERSION',
  );
});

test('[LK5] a cell of suite 2 has a longer key and a code of the same size', () => {
  const keys = { suite: 2, oneTimeKey: bytesOf('long', 1216), identityKey: bytesOf('identity') } as const;
  const cell = encodeLinkCell(keys);
  assert.is(cell.length, 1 + 1216 + 32);
  const code = { ...CODE, hash: hashOfCell(cell) };
  assert.is(encodeLinkCode(code).length, TEXT.length);
  assert.equal(openLinkCell(code, cell), keys);
  for (let i = 0; i < cell.length; i++) {
    const changed = cell.slice();
    changed[i]! ^= 1;
    assert.is(
      codeOf(() => openLinkCell(code, changed)),
      'LINK_TAMPERED',
      `byte ${i}`,
    );
  }
  assert.throws(
    () => encodeLinkCell({ ...keys, suite: 1 }),
    (e: unknown) => e instanceof RangeError,
  );
});

test('wrong lengths from the caller are RangeErrors', () => {
  const short = new Uint8Array(15);
  assert.throws(
    () => encodeLinkCode({ ...CODE, rendezvousId: short }),
    (e: unknown) => e instanceof RangeError,
  );
  assert.throws(
    () => encodeLinkCode({ ...CODE, relayId: short }),
    (e: unknown) => e instanceof RangeError,
  );
  assert.throws(
    () => encodeLinkCode({ ...CODE, hash: short }),
    (e: unknown) => e instanceof RangeError,
  );
  assert.throws(
    () => encodeLinkCell({ suite: 1, oneTimeKey: short, identityKey: CODE.hash }),
    (e: unknown) => e instanceof RangeError,
  );
});

test.run();

const hostileText = (random: ReturnType<typeof seededRandom>): string => {
  const own = encodeLinkCode({
    rendezvousId: random.bytes(16),
    relayId: random.bytes(16),
    hash: random.bytes(32),
  });
  const at = random.int(own.length);
  switch (random.int(8)) {
    case 0:
      return own;
    case 1:
      return `${own.slice(0, at).toLowerCase()} \n${own.slice(at)}`;
    case 2:
      return own.slice(0, at);
    case 3:
      return own.slice(0, at) + random.pick([...BASE32, '1', '-', '=', '\u{1f600}']) + own.slice(at + 1);
    case 4:
      return own.slice(0, at) + own.slice(random.int(own.length));
    case 5:
      return toHex(random.bytes(random.int(80)));
    case 6:
      return String.fromCharCode(...random.bytes(random.int(130)).map((byte) => byte & 127));
    default:
      return `SW1-${Array.from({ length: 111 }, () => random.pick([...BASE32])).join('')}`;
  }
};
