// What a device knows of itself, as it is stored and as a part of it is handed on. Rules: spec/keys.md §3–§4, spec/vault.md.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeLog, decodeSelf, encodeLog, encodeSelf, type Self } from '../src/account/self.ts';
import { toBase64Url, utf8 } from '../src/bytes.ts';
import { type SignedEntry, signEntry } from '../src/identity/log-entry.ts';
import { encodeBundle, readBundle } from '../src/link/bundle.ts';
import { testAccount } from './room-support.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('self');

const makeSelf = async (random: Seeded, devices: number): Promise<Self> => {
  const account = await testAccount(random, devices);
  return {
    secrets: account.devices[0]!.secrets,
    accountKeys: [account.accountKey],
    roomSecret: account.secret,
    epochKeys: [account.epochKey, random.bytes(32)],
    log: account.log,
    manageSeed: random.bytes(32),
    principalWritten: { version: 7, keys: 'ab,cd' },
  };
};

const secretsOf = (self: Self): Uint8Array[] => [
  ...Object.values(self.secrets as unknown as Record<string, Uint8Array>),
  ...self.accountKeys,
  self.roomSecret,
  ...self.epochKeys,
  self.manageSeed!,
];

/** Every form in which a secret could stand in bytes or text: raw, hexadecimal, base64 at any of its three offsets. */
const formsOf = (secret: Uint8Array): Buffer[] => {
  const shifted = [0, 1, 2].map((by) => {
    const text = Buffer.concat([Buffer.alloc(by), secret]).toString('base64');
    return text.slice(by === 0 ? 0 : by + 1, -4).replaceAll('=', '');
  });
  const texts = [toHex(secret), toHex(secret).toUpperCase(), ...shifted].flatMap((text) => [
    text,
    text.replaceAll('+', '-').replaceAll('/', '_'),
  ]);
  return [Buffer.from(secret), ...texts.map((text) => Buffer.from(text))];
};

const holds = (bytes: Uint8Array, secret: Uint8Array): boolean =>
  formsOf(secret).some((form) => Buffer.from(bytes).includes(form));

const faultOf = async (run: () => unknown): Promise<SealwireError> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return error as SealwireError;
  }
  throw new Error('nothing was thrown');
};

const fieldsOf = (self: Self): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(encodeSelf(self))) as Record<string, unknown>;

test('self comes back as it was stored, with and without the manage seed', async () => {
  const random = seeded(501);
  for (const devices of [1, 4]) {
    const self = await makeSelf(random, devices);
    assert.equal(await decodeSelf(encodeSelf(self)), self);
    const companion = { ...self, manageSeed: undefined };
    const bytes = encodeSelf(companion);
    assert.equal(await decodeSelf(bytes), companion);
    assert.not(new TextDecoder().decode(bytes).includes('manageSeed'));
  }
});

test('what is damaged is STORAGE_CORRUPT, what a newer version wrote STORAGE_NEWER, and nobody reads a secret in it', async () => {
  const random = seeded(502);
  const self = await makeSelf(random, 3);
  const good = fieldsOf(self);
  const log = good.log as string[];
  const key = (good.accountKeys as string[])[0]!;
  const chat = signEntry(
    {
      type: 'chat-genesis',
      nonce: random.bytes(16),
      account: self.log.root,
      author: random.bytes(16),
      at: 1,
    },
    () => random.bytes(64),
  );
  const later = Uint8Array.from(self.log.entries[1]!.unsigned);
  later[1] = 3;
  const corrupt: [string, Record<string, unknown>][] = [
    ...Object.keys(good)
      .filter((name) => name !== 'manageSeed')
      .map((name): [string, Record<string, unknown>] => [`without ${name}`, { ...good, [name]: undefined }]),
    ['a version of no kind', { ...good, v: '1' }],
    ['a version before the first', { ...good, v: 0 }],
    ['half a version', { ...good, v: 1.5 }],
    ['a key that is too short', { ...good, identity: key.slice(0, 42) }],
    ['a key that is too long', { ...good, relay: `${key}AAAA` }],
    ['a key that is no base64url', { ...good, hpke: `!${key.slice(1)}` }],
    ['a key that is no text', { ...good, roomSecret: 5 }],
    ['a manage seed that is none', { ...good, manageSeed: null }],
    ['epoch keys that are no list', { ...good, epochKeys: key }],
    ['an epoch key that is none', { ...good, epochKeys: [key, ''] }],
    ['an empty log', { ...good, log: [] }],
    ['a log that begins later', { ...good, log: log.slice(1) }],
    ['a log with a gap', { ...good, log: [log[0], log[2]] }],
    ['a log of something else', { ...good, log: [log[0], toBase64Url(chat.unsigned)] }],
    [
      'a log with a chat in it',
      { ...good, log: [...log, toBase64Url(Uint8Array.of(...chat.unsigned, ...random.bytes(64)))] },
    ],
    ['a log with a changed signature', { ...good, log: [`${log[0]!.slice(0, -4)}AAAA`, ...log.slice(1)] }],
    ['a log of no text', { ...good, log: [5] }],
    ['a principal that was never written', { ...good, principalWritten: { keys: '' } }],
    ['a principal without keys', { ...good, principalWritten: { version: 1 } }],
    ['a principal that is no object', { ...good, principalWritten: 5 }],
  ];
  const json = (fields: unknown) => utf8(JSON.stringify(fields));
  const damaged: [string, Uint8Array, string][] = [
    ...corrupt.map(([what, fields]): [string, Uint8Array, string] => [what, json(fields), 'STORAGE_CORRUPT']),
    ['nothing', new Uint8Array(0), 'STORAGE_CORRUPT'],
    ['cut short', encodeSelf(self).subarray(0, -1), 'STORAGE_CORRUPT'],
    ['null', utf8('null'), 'STORAGE_CORRUPT'],
    ['a list', utf8('[]'), 'STORAGE_CORRUPT'],
    ['no UTF-8', Uint8Array.of(0xff, ...encodeSelf(self)), 'STORAGE_CORRUPT'],
    ['a later version', json({ ...good, v: 2 }), 'STORAGE_NEWER'],
    ['an entry of a later suite', json({ ...good, log: [log[0], toBase64Url(later)] }), 'STORAGE_NEWER'],
  ];
  for (const [what, bytes, code] of damaged) {
    const error = await faultOf(() => decodeSelf(bytes));
    assert.is(error.code, code, what);
    const said = utf8(`${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}`);
    for (const secret of secretsOf(self)) assert.not(holds(said, secret), what);
    assert.is(error.cause, undefined, what);
  }
});

test('random damage to the stored record gives a self or a code of the storage', async () => {
  const random = seeded(503);
  const self = await makeSelf(random, 2);
  const bytes = encodeSelf(self);
  const codes = new Set<string>();
  for (let run = 0; run < 400; run++) {
    const changed = bytes.slice();
    for (let i = random.below(3); i >= 0; i--) changed[random.below(changed.length)] = 32 + random.below(95);
    try {
      await decodeSelf(changed);
    } catch (error) {
      assert.instance(error, SealwireError, String(error));
      codes.add((error as SealwireError).code);
    }
  }
  for (const code of codes) assert.ok(['STORAGE_CORRUPT', 'STORAGE_NEWER'].includes(code), code);
  assert.ok(codes.has('STORAGE_CORRUPT'));
});

test('a device log from somebody else is judged as what it is: malformed, refused, or of a later version', async () => {
  const random = seeded(504);
  const { log } = await testAccount(random, 3);
  const entries = encodeLog(log);
  assert.equal(await decodeLog(entries), log);
  const later = Uint8Array.from(log.entries[0]!.unsigned);
  later[1] = 9;
  const cases: [readonly unknown[], string][] = [
    [[], 'MALFORMED'],
    [[7], 'MALFORMED'],
    [['*'], 'MALFORMED'],
    [['AAAA'], 'UNSUPPORTED_VERSION'],
    [entries.slice(1), 'MALFORMED'],
    [[...entries, entries[0]], 'MALFORMED'],
    [[entries[0], entries[2]], 'LOG_ENTRY_REFUSED'],
    [[toBase64Url(later)], 'UNSUPPORTED_VERSION'],
  ];
  for (const [list, code] of cases) assert.is((await faultOf(() => decodeLog(list))).code, code);
});

test('[KY4] what a linked device is given holds the account’s secrets and none of the phone’s own', async () => {
  const random = seeded(505);
  for (let round = 0; round < 20; round++) {
    const self = await makeSelf(random, 2);
    const entry = self.log.entries[1] as SignedEntry;
    // Everything that the phone has is within reach of whoever makes the bundle; only what belongs in it gets in.
    const bundle = encodeBundle({ ...self, ...self.secrets, entry });
    const { identity, relay, hpke } = self.secrets;
    for (const [name, secret] of Object.entries({ identity, relay, hpke, manage: self.manageSeed! }))
      assert.not(holds(bundle, secret), name);
    for (const secret of [...self.accountKeys, self.roomSecret, ...self.epochKeys])
      assert.ok(holds(bundle, secret), 'the search finds what is there');
    const read = readBundle(bundle);
    assert.equal(
      [read.accountKeys, read.roomSecret, read.epochKeys],
      [self.accountKeys, self.roomSecret, self.epochKeys],
    );
    assert.equal(Object.keys(read).sort(), ['accountKeys', 'entry', 'epochKeys', 'roomSecret']);
    assert.ok(bundle.length < LIMITS.rendezvousBytes);
  }
});

test('[KY4] the search would find a secret in any form', () => {
  const random = seeded(506);
  for (let round = 0; round < 50; round++) {
    const secret = random.bytes(32);
    const around = Buffer.concat([random.bytes(random.below(9)), secret, random.bytes(random.below(9))]);
    for (const text of [
      around,
      utf8(around.toString('base64')),
      utf8(toBase64Url(around)),
      utf8(toHex(around)),
      utf8(toHex(around).toUpperCase()),
    ])
      assert.ok(holds(text, secret));
    assert.not(holds(random.bytes(500), secret));
  }
});

test.run();
