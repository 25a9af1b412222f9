// Devices that say that they are still there, and those that do not. Rules: spec/device-log.md §3, §4, §7.
import { LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isRenewalDue, lapsedDevices } from '../src/account/renewal.ts';
import { encodeLog } from '../src/account/self.ts';
import { alertsDue } from '../src/contacts/alerts.ts';
import { createBook } from '../src/contacts/book.ts';
import { addToDeviceLog } from '../src/identity/device-log.ts';
import {
  account,
  addOf,
  codeOf,
  essence,
  family,
  idOf,
  inEveryOrder,
  renewalOf,
  revokeOf,
  withAll,
} from './device-log-kit.ts';
import { seeded } from './support.ts';

const test = suite('device log: renewals');

const DAY = 24 * 60 * 60_000;

test('[DL24] a renewal is taken from an active device alone, and nothing follows it', async () => {
  const { phone, web, tablet, spare, log } = await family(seeded(501), 0);
  const renewal = renewalOf(log, web, 10);
  const longer = await withAll(log, renewal);
  assert.equal([longer.heads, longer.entries], [log.heads, log.entries]);
  assert.is(longer.devices.get(idOf(web))!.renewedAt, 10);
  assert.is(longer.devices.get(idOf(tablet))!.renewedAt, undefined);
  const ended = await withAll(log, revokeOf(log, phone, web));
  const bad = [
    renewalOf(ended, web, 11),
    renewalOf(log, spare[0], 11),
    renewalOf(log, web, 11, {}, phone.sign),
    renewalOf(log, web, 11, { account: new Uint8Array(32) }),
    renewalOf(log, web, 11, { parents: [] }),
    renewalOf(log, web, 11, { parents: [log.root] }),
  ];
  for (const [i, entry] of bad.entries())
    assert.is(await codeOf(() => addToDeviceLog(ended, entry)), 'LOG_ENTRY_REFUSED', `${i}`);
  const follower = addOf(log, phone, spare[0], { parents: [renewal.hash] });
  assert.is(await codeOf(() => addToDeviceLog(longer, follower)), 'LOG_ENTRY_REFUSED');
});

test('[DL25] thousands of renewals leave the newest; a revocation voids it in every order, and age voids nothing', async () => {
  const random = seeded(502);
  const { phone, web, log } = await family(random, 0);
  let longer = log;
  for (let at = 0; at < 2_000; at++)
    longer = await withAll(longer, renewalOf(log, web, (at * 7_919) % 2_000));
  assert.is(longer.renewals.length, 1);
  assert.is(longer.devices.get(idOf(web))!.renewedAt, 1_999);
  assert.equal(encodeLog(longer), encodeLog(log), 'nothing of it is handed over or copied');
  const twins = [
    renewalOf(log, web, 5_000),
    renewalOf(log, web, 5_000, { parents: [log.heads[0]!, log.root] }),
  ];
  const both = await inEveryOrder(random, log, ...twins, renewalOf(log, web, 4_000));
  const [lesser] = twins.map(({ hash }) => toHex(hash)).sort();
  assert.equal(
    both.renewals.map(({ hash }) => toHex(hash)),
    [lesser],
  );
  const revoke = revokeOf(log, phone, web);
  const ended = await inEveryOrder(random, log, ...twins, revoke);
  assert.is(ended.devices.get(idOf(web))!.renewedAt, undefined);
  const old = await withAll(longer, addOf(longer, phone, (await account(random, 1)).others[0]!));
  assert.is(essence(old).devices.length, 5, 'whoever is silent stays until somebody ends it');
});

test('[DL26] a companion is due after a week without an entry of its own, the phone never', async () => {
  const { phone, web, log } = await family(seeded(503), 0);
  const { at } = log.devices.get(idOf(web))!;
  assert.not(isRenewalDue(log, idOf(web), at + LIMITS.renewMs));
  assert.ok(isRenewalDue(log, idOf(web), at + LIMITS.renewMs + 1));
  assert.not(isRenewalDue(log, idOf(phone), at + 1_000 * DAY));
  const longer = await withAll(log, renewalOf(log, web, at + 8 * DAY));
  assert.not(isRenewalDue(longer, idOf(web), at + 15 * DAY));
  assert.ok(isRenewalDue(longer, idOf(web), at + 15 * DAY + 1));
  const ended = await withAll(log, revokeOf(log, phone, web));
  assert.not(isRenewalDue(ended, idOf(web), at + 100 * DAY));
});

test('[DL27] who lapses is a companion without an entry for five weeks; only then does the log call for an alert', async () => {
  const { phone, web, tablet, desk, log } = await family(seeded(504), 0);
  const { at } = log.devices.get(idOf(web))!;
  assert.equal(lapsedDevices(log, at + LIMITS.renewalLapseMs), []);
  const late = at + LIMITS.renewalLapseMs + 1;
  const longer = await withAll(log, renewalOf(log, web, at + 1), renewalOf(log, desk, at + 9 * DAY));
  assert.equal(
    lapsedDevices(longer, late).map(({ id }) => toHex(id)),
    [idOf(tablet)],
  );
  const able = await family(seeded(505), 1);
  assert.equal(lapsedDevices(able.log, 1_000 * DAY), [], 'all may link others');
  for (const [when, kinds] of [
    [late - 1, []],
    [late, ['device-lapsed']],
  ] as const) {
    const own = await withAll(longer, revokeOf(longer, phone, tablet, { at: when }));
    const due = (deviceId: string) =>
      alertsDue({ book: createBook().book, own, deviceId, log: () => undefined, deviceName: () => 'tablet' });
    for (const device of [phone, desk])
      assert.equal(
        due(idOf(device)).map((alert) => (alert.k === 'alert' ? [alert.q, alert.d] : [])),
        kinds.map((kind) => [kind, idOf(tablet)]),
      );
  }
});

test.run();
