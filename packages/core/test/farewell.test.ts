// What an ended device is told, and which devices a new account key left out. Rules: spec/device-log.md §6 and §7.
import { LIMITS, type SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endsByRight, openFarewell, sealFarewell } from '../src/account/farewell.ts';
import { accountPrincipal } from '../src/account/principal.ts';
import type { Self } from '../src/account/self.ts';
import { addToDeviceLog, type DeviceLog, keylessDevices } from '../src/identity/device-log.ts';
import type { SignedEntry } from '../src/identity/log-entry.ts';
import { account, addOf, idOf, keyOf, revokeOf, type Signed } from './device-log-kit.ts';
import { seeded } from './support.ts';

const test = suite('farewell');
const random = seeded(811);
const SECRET = random.bytes(32);

const grown = async (log: DeviceLog, ...entries: Signed[]): Promise<DeviceLog> => {
  let longer = log;
  for (const entry of entries) longer = await addToDeviceLog(longer, entry);
  return longer;
};

const read = (note: Uint8Array, log: DeviceLog, secret = SECRET): SignedEntry[] =>
  openFarewell(note, log.root, secret);

test('[DL21] the note leads a device that knows only its own addition to its end', async () => {
  const { phone, others, log } = await account(random, 3);
  const [web, desktop, tablet] = others;
  const before = await grown(log, addOf(log, phone, web!));
  let now = before;
  for (const device of [desktop!, tablet!]) now = await grown(now, addOf(now, phone, device));
  now = await grown(now, revokeOf(now, phone, web!));
  now = await grown(now, keyOf(now, phone, random));
  const note = sealFarewell(now, web!.logged.id, SECRET, random.bytes)!;
  assert.ok(note.length <= LIMITS.farewellBytes);
  let seen = before;
  for (const entry of read(note, log)) seen = await grown(seen, entry as Signed);
  assert.ok(seen.devices.get(idOf(web!))!.revokedBy);
  assert.is(sealFarewell(now, desktop!.logged.id, SECRET, random.bytes), undefined, 'it was not ended');
});

test('[DL21] what leads to a revocation may not fit: its signature by one who has the right is enough', async () => {
  const { phone, others, log } = await account(random, 30);
  const [web, ...rest] = others;
  const before = await grown(log, addOf(log, phone, web!));
  let now = before;
  for (const device of rest) now = await grown(now, addOf(now, phone, device));
  for (let i = 0; i < 3; i++) now = await grown(now, keyOf(now, phone, random));
  now = await grown(now, revokeOf(now, phone, web!));
  const note = sealFarewell(now, web!.logged.id, SECRET, random.bytes)!;
  assert.ok(note.length <= LIMITS.farewellBytes, String(note.length));
  const entries = read(note, log);
  const last = entries.at(-1)!;
  assert.is(last.entry.type, 'device-revoke');
  const ends = (known: DeviceLog, signed: SignedEntry): boolean => endsByRight(known, web!.logged.id, signed);
  assert.ok(ends(before, last));
  const signature = random.bytes(64);
  const weak = await grown(before, addOf(before, phone, rest[0]!, { rights: 0 }));
  const gone = await grown(weak, revokeOf(weak, phone, rest[0]!));
  const faults: [string, DeviceLog, SignedEntry][] = [
    ['another signature', before, { ...last, signatures: [signature] }],
    ['of another device', before, revokeOf(now, phone, rest[3]!)],
    ['an author who has not the right', weak, revokeOf(before, rest[0]!, web!)],
    ['an author who was ended', gone, revokeOf(before, rest[0]!, web!)],
    ['an author that nobody knows', before, revokeOf(before, rest[5]!, web!)],
    ['no revocation', before, addOf(before, phone, rest[6]!)],
  ];
  for (const [fault, known, entry] of faults) assert.not(ends(known, entry), fault);
});

test('[DL21] a note that was changed, or sealed by one without the room secret, opens for nobody', async () => {
  const { phone, others, log } = await account(random, 1);
  const before = await grown(log, addOf(log, phone, others[0]!));
  const now = await grown(before, revokeOf(before, phone, others[0]!));
  const note = sealFarewell(now, others[0]!.logged.id, SECRET, random.bytes)!;
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as SealwireError).code;
    }
    return 'none';
  };
  const changed = note.slice();
  changed[60]! ^= 1;
  assert.is(
    codeOf(() => read(changed, log)),
    'FRAME_UNREADABLE',
  );
  assert.is(
    codeOf(() => read(note, log, random.bytes(32))),
    'FRAME_UNREADABLE',
  );
  assert.is(
    codeOf(() => read(random.bytes(5000), log)),
    'TOO_LARGE',
  );
});

test('[DL23] a device linked while another made a key was not given it; the next key is for it as well', async () => {
  const { phone, others, log } = await account(random, 3);
  const [web, desktop, tablet] = others;
  const both = await grown(log, addOf(log, phone, web!));
  assert.equal(keylessDevices(both), []);
  const ended = await grown(both, addOf(both, phone, desktop!));
  const without = await grown(ended, revokeOf(ended, phone, desktop!));
  const key = keyOf(without, phone, random);
  const linked = addOf(without, phone, tablet!);
  for (const order of [
    [key, linked],
    [linked, key],
  ]) {
    const crossed = await grown(without, ...order);
    assert.equal(
      keylessDevices(crossed).map(({ id }) => toHex(id)),
      [idOf(tablet!)],
    );
    const next = await grown(crossed, keyOf(crossed, web!, random));
    assert.equal(keylessDevices(next), []);
    assert.not(next.keyOwed);
  }
  const after = await grown(without, key);
  assert.equal(
    keylessDevices(await grown(after, addOf(after, phone, tablet!))),
    [],
    'linked by one who knew',
  );
});

test('[DL21] a device that was on the list when its end became known gets its note, though the answer came later', async () => {
  const { phone, others, log } = await account(random, 1);
  const [web] = others;
  let now = await grown(log, addOf(log, phone, web!));
  const relayKey = phone.logged.keys.relay;
  let self = {
    log,
    roomSecret: SECRET,
    manageSeed: random.bytes(32),
    principalWritten: { version: 1, keys: toHex(relayKey) },
  } as Self;
  const { manage } = accountPrincipal({
    self: () => self,
    saveSelf: async (changes) => {
      self = { ...self, ...changes };
    },
    log: () => now,
    relayKey,
    isGone: () => false,
    randomBytes: random.bytes,
  });
  const sent = manage!.relayKeys();
  assert.is(sent.length, 2);
  now = await grown(now, revokeOf(now, phone, web!)); // Before the relay has answered.
  manage!.written(2, sent);
  assert.is(manage!.writtenVersion(), 0, 'another list is wanted by now');
  const [note, ...more] = manage!.farewells!();
  assert.equal([note?.relayKey, more], [web!.logged.keys.relay, []]);
  manage!.written(3, manage!.relayKeys());
  assert.is(manage!.writtenVersion(), 3);
  assert.is(
    manage!.farewells!().length,
    1,
    'it goes with the next edit too: a copy of the past remembers no list',
  );
});

test.run();
