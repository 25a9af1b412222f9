// What the new device checks in an offer, and what the bundle holds. Rules: spec/link.md.
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeLog } from '../src/account/self.ts';
import { toBase64Url, utf8 } from '../src/bytes.ts';
import { devicePublic } from '../src/identity/device-keys.ts';
import { signEntry } from '../src/identity/log-entry.ts';
import {
  addEntryFor,
  encodeBundle,
  encodeOffer,
  joinAccount,
  readBundle,
  readOffer,
} from '../src/link/bundle.ts';
import { testAccount } from './room-support.ts';
import { seeded, testDevice } from './support.ts';

const test = suite('link offer');
const random = seeded(21);

const codeOf = async (run: () => Promise<unknown>): Promise<string> => {
  try {
    await run();
  } catch (error) {
    assert.instance(error, SealwireError, String(error));
    return (error as SealwireError).code;
  }
  return 'none';
};

const scene = async () => {
  const account = await testAccount(random, 2);
  const [phone, companion] = account.devices as [(typeof account.devices)[0], (typeof account.devices)[0]];
  const fresh = testDevice(random, account.log.root);
  const keys = devicePublic(fresh.secrets);
  const proposed = {
    identityKey: keys.identity,
    relayKey: keys.relay,
    hpkeKey: keys.hpke,
    deviceName: 'Laptop',
    platform: 'desktop',
  } as const;
  const inviter = { accountRoot: account.log.root, phoneKey: phone.logged.keys.identity };
  return { account, phone, companion, fresh, keys, proposed, inviter };
};

test('[LK32] a whole offer of the phone is taken, and the entry names this device’s own keys', async () => {
  const { account, phone, keys, proposed, inviter } = await scene();
  const add = addEntryFor(account.log, phone.logged.id, proposed, 5);
  const read = await readOffer(encodeOffer({ log: account.log, add }), inviter, keys);
  assert.equal(read.add, add);
  assert.is(read.log.devices.size, 2);
});

test('[LK32] another account, a companion, or a phone that is not in the log is refused', async () => {
  const { account, phone, companion, keys, proposed, inviter } = await scene();
  const other = await testAccount(random, 1);
  const add = addEntryFor(account.log, phone.logged.id, proposed, 5);
  const offer = encodeOffer({ log: account.log, add });
  assert.is(
    await codeOf(() => readOffer(offer, { ...inviter, accountRoot: other.log.root }, keys)),
    'LINK_TAMPERED',
  );
  const byCompanion = { ...inviter, phoneKey: companion.logged.keys.identity };
  const companions = encodeOffer({ log: account.log, add: { ...add, author: companion.logged.id } });
  assert.is(await codeOf(() => readOffer(companions, byCompanion, keys)), 'LINK_NOT_ALLOWED');
  const stranger = { ...inviter, phoneKey: other.devices[0]!.logged.keys.identity };
  assert.is(await codeOf(() => readOffer(offer, stranger, keys)), 'LINK_NOT_ALLOWED');
  assert.is(await codeOf(() => readOffer(companions, inviter, keys)), 'LINK_NOT_ALLOWED');
});

test('[LK32] an offer that grants rights, or a log with a changed entry, is refused', async () => {
  const { account, phone, keys, proposed, inviter } = await scene();
  const add = addEntryFor(account.log, phone.logged.id, proposed, 5);
  assert.is(
    await codeOf(() =>
      readOffer(encodeOffer({ log: account.log, add: { ...add, rights: 1 } }), inviter, keys),
    ),
    'LINK_NOT_ALLOWED',
  );
  const entries = encodeLog(account.log);
  const raw = Buffer.from(entries[1]!, 'base64url');
  raw[40]! ^= 1;
  const changed = utf8(
    JSON.stringify({
      log: [entries[0], toBase64Url(raw)],
      parents: add.parents.map(toBase64Url),
      author: toBase64Url(add.author),
      rights: 0,
      at: 5,
    }),
  );
  assert.is(await codeOf(() => readOffer(changed, inviter, keys)), 'LOG_ENTRY_REFUSED');
});

test('[LK44] a bundle counts only with the entry that this device signed', async () => {
  const { account, phone, fresh, keys, proposed, inviter } = await scene();
  const add = addEntryFor(account.log, phone.logged.id, proposed, 5);
  const offer = await readOffer(encodeOffer({ log: account.log, add }), inviter, keys);
  const secrets = {
    accountKeys: [account.accountKey],
    roomSecret: account.secret,
    epochKeys: [account.epochKey],
  };
  const joined = await joinAccount(
    offer,
    encodeBundle({ entry: signEntry(add, phone.sign, fresh.sign), ...secrets }),
  );
  assert.is(joined.log.devices.size, 3);
  const later = signEntry({ ...add, at: 6 }, phone.sign, fresh.sign);
  assert.is(
    await codeOf(() => joinAccount(offer, encodeBundle({ entry: later, ...secrets }))),
    'LINK_TAMPERED',
  );
  const unsigned = signEntry(add, phone.sign, phone.sign);
  assert.is(
    await codeOf(() => joinAccount(offer, encodeBundle({ entry: unsigned, ...secrets }))),
    'LOG_ENTRY_REFUSED',
  );
});

test('any bytes as offer or bundle end with a code', async () => {
  const { account, phone, fresh, keys, proposed, inviter } = await scene();
  const add = addEntryFor(account.log, phone.logged.id, proposed, 5);
  const offer = encodeOffer({ log: account.log, add });
  const entry = signEntry(add, phone.sign, fresh.sign);
  const bundle = encodeBundle({
    entry,
    accountKeys: [account.accountKey],
    roomSecret: account.secret,
    epochKeys: [account.epochKey],
  });
  assert.equal(readBundle(bundle).epochKeys, [account.epochKey]);
  for (let run = 0; run < 1000; run++) {
    for (const original of [offer, bundle]) {
      const bytes = original.slice(
        0,
        random.below(8) === 0 ? random.below(original.length) : original.length,
      );
      for (let i = 1 + random.below(3); i > 0 && bytes.length > 0; i--)
        bytes[random.below(bytes.length)] = random.below(256);
      await codeOf(() => readOffer(bytes, inviter, keys));
      await codeOf(async () => readBundle(bytes));
    }
  }
});

test.run();
