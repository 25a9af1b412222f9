// Log entries as bytes: what was signed comes back, and any other bytes give a code. Rules: spec/device-log.md §1, §2.
import { createHash } from 'node:crypto';
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createEpoch } from '../src/identity/epoch.ts';
import {
  type DeviceChains,
  decodeEntryBytes,
  encodeEntryBytes,
  type LogEntry,
  type MemberChange,
  type Share,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import { account, addOf, codeOf, renewalOf } from './device-log-kit.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('log entries');

/** One entry of each type, as bytes. */
const oneOfEach = async (random: Seeded): Promise<Uint8Array[]> => {
  const { phone, others, log } = await account(random, 1);
  const web = others[0]!;
  const genesis = log.entries[0]!;
  const chat = signEntry(
    { type: 'chat-genesis', nonce: random.bytes(16), account: log.root, author: phone.logged.id, at: 5 },
    phone.sign,
  );
  const epoch = await createEpoch({
    log: log.root,
    index: 3,
    parents: [random.bytes(32)],
    heads: [random.bytes(32), random.bytes(32)],
    author: phone.logged.id,
    epochKey: random.bytes(32),
    members: [{ account: log.root, accountKey: phone.logged.keys.hpke }],
    sign: phone.sign,
  });
  const end = { account: log.root, parents: log.heads, author: phone.logged.id } as const;
  const revoke = signEntry({ type: 'device-revoke', ...end, device: web.logged.id, at: 6 }, phone.sign);
  const wraps = [{ device: phone.logged.id, wrapped: random.bytes(80) }];
  const renewed = signEntry({ type: 'account-key', ...end, accountKey: random.bytes(32), wraps }, phone.sign);
  const chain = { stream: 'page-0', clientId: 2 ** 52 + 7, counter: 300, hash: random.bytes(32) };
  const cut = signEntry(
    {
      type: 'cut',
      log: log.root,
      revoke: revoke.hash,
      author: phone.logged.id,
      device: web.logged.id,
      heads: [random.bytes(32), random.bytes(32)],
      chains: [chain, { ...chain, stream: 'control', counter: 1 }],
    },
    phone.sign,
  );
  const share: Share = {
    type: 'share',
    log: chat.hash,
    author: phone.logged.id,
    account: random.bytes(32),
    accountKey: random.bytes(32),
    sealed: random.bytes(48 + 2 * 32),
  };
  const chains = [
    { device: web.logged.id, chains: [chain] },
    { device: phone.logged.id, chains: [] },
  ];
  const subject = random.bytes(32);
  const changes: MemberChange[] = [
    { action: 'add', subject, role: 'admin' },
    { action: 'remove', subject, chains },
    { action: 'leave', chains },
    { action: 'promote', subject },
    { action: 'demote', subject },
    { action: 'rename', title: 'Ausflug 🏔️' },
    { action: 'merge' },
  ];
  const place = { log: chat.hash, parents: [chat.hash], author: phone.logged.id, account: log.root } as const;
  const members = changes.map((change) => signEntry({ type: 'member', ...place, change, at: 7 }, phone.sign));
  const entries: SignedEntry[] = [
    ...[genesis, addOf(log, phone, web), chat, epoch, revoke, renewed, cut, renewalOf(log, phone, 9)],
    ...[...members, signEntry(share, phone.sign)],
  ];
  return entries.map(encodeEntryBytes);
};

test('[DL1] an entry comes back from its bytes as it was signed, and is named by its hash', async () => {
  for (const bytes of await oneOfEach(seeded(201))) {
    const signed = decodeEntryBytes(bytes);
    assert.is(toHex(encodeEntryBytes(signed)), toHex(bytes));
    const again = signEntry<LogEntry>(signed.entry);
    assert.is(toHex(again.unsigned), toHex(signed.unsigned));
    const hash = createHash('sha256').update('sealwire/v1/log-entry').update(signed.unsigned).digest('hex');
    assert.is(toHex(signed.hash), hash);
  }
});

test('[DL1] any bytes decode to a signed entry or to a code', async () => {
  const random = seeded(202);
  const runs = process.env.SEALWIRE_SLOW === '1' ? 200_000 : 20_000;
  const good = await oneOfEach(random);
  const seen = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    let bytes =
      random.below(6) === 0 ? random.bytes(random.below(300)) : good[random.below(good.length)]!.slice();
    if (random.below(6) === 0) bytes[1] = 1;
    for (let i = random.below(3); i > 0 && bytes.length > 0; i--)
      bytes[random.below(random.below(2) === 0 ? Math.min(bytes.length, 100) : bytes.length)] =
        random.below(256);
    if (random.below(8) === 0) bytes = bytes.subarray(0, random.below(bytes.length + 1));
    let decoded: SignedEntry | undefined;
    const code = await codeOf(() => {
      decoded = decodeEntryBytes(bytes);
    });
    assert.ok(['none', 'MALFORMED', 'TOO_LARGE', 'UNSUPPORTED_VERSION'].includes(code), code);
    if (decoded) assert.is(toHex(encodeEntryBytes(decoded)), toHex(bytes), 'one entry has one spelling');
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  for (const code of ['none', 'MALFORMED', 'UNSUPPORTED_VERSION'])
    assert.ok(seen.get(code)! > 100, `${code}: ${seen.get(code)}`);
});

test('[DL1] cut short, followed by more, of another suite, type or list length: each is refused', async () => {
  const [, add] = (await oneOfEach(seeded(203))) as [Uint8Array, Uint8Array];
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = add.slice();
    bytes[at] = value;
    return bytes;
  };
  for (let length = 0; length < add.length; length++)
    assert.is(await codeOf(() => decodeEntryBytes(add.subarray(0, length))), 'MALFORMED', `${length}`);
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(...add, 0), 'MALFORMED'],
    [changed(1, 3), 'UNSUPPORTED_VERSION'],
    [changed(1, 2), 'MALFORMED'],
    [changed(0, 11), 'UNSUPPORTED_VERSION'],
    [changed(0, 0), 'UNSUPPORTED_VERSION'],
    [changed(34, 17), 'MALFORMED'],
    [changed(34, 2), 'MALFORMED'],
  ];
  for (const [bytes, code] of cases) assert.is(await codeOf(() => decodeEntryBytes(bytes)), code);
});

test('[DL1] a cut or a removal that names a chain or a device twice is refused, as is a share of part of a key', async () => {
  const random = seeded(204);
  const { phone, log } = await account(random, 0);
  const id = phone.logged.id;
  const chain = { stream: 'page-0', clientId: 7, counter: 3, hash: random.bytes(32) };
  const other = { ...chain, counter: 4 };
  const place = { type: 'member', log: log.root, parents: [], author: id, account: log.root, at: 1 } as const;
  const removal = (chains: readonly DeviceChains[]): LogEntry => ({
    ...place,
    change: { action: 'remove', subject: log.root, chains },
  });
  const cut: LogEntry = {
    type: 'cut',
    log: log.root,
    revoke: log.root,
    author: id,
    device: id,
    heads: [],
    chains: [chain, other],
  };
  const sealed = (length: number): LogEntry => ({
    type: 'share',
    log: log.root,
    author: id,
    account: log.root,
    accountKey: log.root,
    sealed: random.bytes(length),
  });
  const many = (count: number) => Array.from({ length: count }, (_, clientId) => ({ ...chain, clientId }));
  const cases: [LogEntry, string][] = [
    [cut, 'MALFORMED'],
    [{ ...cut, chains: [chain, { ...chain, stream: 'page-1' }] }, 'none'],
    [{ ...cut, heads: Array(17).fill(log.root) }, 'MALFORMED'],
    [removal([{ device: id, chains: [chain, other] }]), 'MALFORMED'],
    [
      removal([
        { device: id, chains: [chain] },
        { device: id, chains: [] },
      ]),
      'MALFORMED',
    ],
    [
      removal([
        { device: id, chains: many(4_000) },
        { device: id.toReversed(), chains: many(96) },
      ]),
      'none',
    ],
    [
      removal([
        { device: id, chains: many(4_000) },
        { device: id.toReversed(), chains: many(97) },
      ]),
      'MALFORMED',
    ],
    ...[48, 79, 81].map((length): [LogEntry, string] => [sealed(length), 'MALFORMED']),
    [sealed(80), 'none'],
    [sealed(48 + 32 * 1_024), 'none'],
    [sealed(48 + 32 * 1_025), 'TOO_LARGE'],
    ...['', 'x'.repeat(101), 'a\u202eb', 'a\nb'].map((title): [LogEntry, string] => [
      { ...place, change: { action: 'rename', title } },
      'MALFORMED',
    ]),
  ];
  for (const [i, [entry, code]] of cases.entries())
    assert.is(
      await codeOf(() => decodeEntryBytes(encodeEntryBytes(signEntry(entry, phone.sign)))),
      code,
      `${i}`,
    );
});

test.run();
