// Which epoch a writer seals under, and when a new one is owed. Rules: spec/epochs.md §3 and §4.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { epochCommitment } from '../src/crypto/kdf.ts';
import { addToDeviceLog, type DeviceLog } from '../src/identity/device-log.ts';
import { type Cut, type SignedEntry, signEntry } from '../src/identity/log-entry.ts';
import { encodeEntries } from '../src/room/control.ts';
import { controlOf, epochOf, hashOf, learn, revoked, rotation } from './epochs-kit.ts';
import { drain, PAGE, testAccount, testRoom } from './room-support.ts';
import { seeded } from './support.ts';

const test = suite('epochs: rotation');
const random = seeded(303);

test('[EP8] after a revocation the old epoch is not current, nor is a new one under the old key', async () => {
  const me = await testAccount(random, 1);
  const { revoked, newKey, newPublic, epochs, rotated, log } = await rotation(me);
  const { control, accept, own } = await controlOf(me);
  await accept(epochs[0]!);
  assert.is(hashOf(control.current()), toHex(epochs[0]!.entry.commitment));
  await accept(revoked[0]!);
  assert.ok(control.current(), 'a device more changes nothing');
  await accept(revoked[1]!);
  assert.is(control.current(), undefined);
  assert.equal(
    control.epochs.owed(),
    { state: 'impossible', waitsFor: [me.log.root] },
    'EP11: no account key',
  );
  await accept(revoked[2]!);
  own.add(newPublic, newKey);
  assert.is(control.epochs.owed().state, 'possible');
  await accept(await epochOf(me, { index: 1, parents: [epochs[0]!.hash], heads: log.heads }));
  assert.is(control.current(), undefined, 'wrapped to the key that the revoked device holds');
  await accept(epochs[1]!);
  assert.is(hashOf(control.current()), toHex(epochCommitment(me.log.root, rotated)));
});

test('[EP9] two rotations at once: all come to write under one, and read both', async () => {
  const me = await testAccount(random, 2);
  const first = await epochOf(me);
  const keys = [random.bytes(32), random.bytes(32)];
  const rivals = await Promise.all(
    keys.map((epochKey, i) =>
      epochOf(me, {
        index: 1,
        parents: [first.hash],
        epochKey,
        author: me.devices[i]!.logged.id,
        sign: me.devices[i]!.sign,
      }),
    ),
  );
  const winner = [...rivals].sort((a, b) => (toHex(a.hash) < toHex(b.hash) ? -1 : 1))[0]!;
  for (const order of [rivals, [...rivals].reverse()]) {
    const { control, accept, opens } = await controlOf(me);
    await accept(first);
    for (const rival of order) await accept(rival);
    assert.is(hashOf(control.current()), toHex(winner.entry.commitment));
    assert.ok(keys.every(opens) && opens(me.epochKey));
  }
});

test('[EP10] what is owed follows all that there is, for today’s members and heads', async () => {
  const me = await testAccount(random, 2);
  const first = await epochOf(me);
  const left = await epochOf(me, { index: 1, parents: [first.hash], epochKey: random.bytes(32) });
  const right = await epochOf(me, { index: 1, parents: [first.hash], epochKey: random.bytes(32) });
  let now = 0;
  const { control, accept } = await controlOf(me, { now: () => now });
  await accept(first, left, right);
  assert.equal(control.epochs.owed(), { state: 'nothing' });
  now = 1_000;
  const owed = control.epochs.owed();
  if (owed.state !== 'possible') throw new Error(owed.state);
  assert.is(owed.plan.index, 2);
  assert.equal(owed.plan.parents.map(toHex).sort(), [left, right].map(({ hash }) => toHex(hash)).sort());
  const next = await control.epochs.make(owed.plan);
  await accept(next);
  assert.is(hashOf(control.current()), toHex(next.entry.commitment));
});

test('[EP13] an epoch wears out by age and by volume, for its maker first, and nothing has to hurry then', async () => {
  const me = await testAccount(random, 2);
  const epoch = await epochOf(me);
  for (const [device, age, frames, state] of [
    [0, 99, 9, 'nothing'],
    [0, 100, 0, 'possible'],
    [0, 0, 10, 'possible'],
    [1, 199, 19, 'nothing'],
    [1, 200, 0, 'possible'],
    [1, 0, 20, 'possible'],
  ] as const) {
    let now = 50;
    let position = 7;
    const { control, accept } = await controlOf(me, { device, now: () => now, position: () => position });
    await accept(epoch);
    now += age;
    position += frames;
    const owed = control.epochs.owed();
    assert.is(owed.state, state, `${device} ${age} ${frames}`);
    if (owed.state === 'possible') assert.ok(owed.late);
    assert.ok(control.current());
  }
});

test('[EP11] while no account key is there to wrap to, words wait in the outbox, and leave as soon as there is one', async () => {
  const account = await testAccount(random, 3);
  const desktop = await testRoom(random, account, 2);
  await drain(desktop);
  const { revoke, key } = await revoked(account, 1);
  await learn(desktop, revoke);
  await desktop.write('waits');
  assert.equal(
    (await drain(desktop)).filter(({ stream }) => stream === PAGE),
    [],
  );
  assert.ok(desktop.room.rotationOwed());
  assert.is(desktop.room.pending(), 1);
  await learn(desktop, key.entry);
  desktop.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
  assert.ok(desktop.room.rotationOwed());
  const frames = await drain(desktop, { next: 50 });
  assert.equal(
    frames.map(({ stream }) => stream),
    [CONTROL_STREAM, PAGE],
  );
  assert.not(desktop.room.rotationOwed());
  assert.is(desktop.room.pending(), 0);
});

test('[EP12] the maker of the account key rotates at once; another device says nothing before it has words', async () => {
  const account = await testAccount(random, 3);
  const rooms = [await testRoom(random, account, 0), await testRoom(random, account, 2)];
  const { revoke, key } = await revoked(account, 1);
  for (const room of rooms) {
    room.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
    await learn(room, revoke, key.entry);
  }
  const [byMaker, byOther] = [await drain(rooms[0]!), await drain(rooms[1]!)];
  assert.equal(byOther, []);
  assert.ok(byMaker.length > 0 && byMaker.every(({ stream }) => stream === CONTROL_STREAM));
  assert.not(rooms[0]!.room.rotationOwed());
  await rooms[1]!.room.receive(byMaker);
  assert.not(rooms[1]!.room.rotationOwed());
  assert.is(hashOf(rooms[0]!.room.state.control.current()), hashOf(rooms[1]!.room.state.control.current()));
});

test('[EP14] a revoked device is cut in each room, by its revoker at once and as far as it was accepted', async () => {
  const account = await testAccount(random, 3);
  const web = await testRoom(random, account, 1);
  for (let i = 0; i < 3; i++) await web.write(`web ${i}`);
  const words = await drain(web);
  const rooms = [await testRoom(random, account, 0), await testRoom(random, account, 2)];
  for (const { room } of rooms) await room.receive(words);
  const { revoke, key } = await revoked(account, 1);
  for (const room of rooms) {
    room.room.options.account.add(key.entry.entry.accountKey, key.privateKey);
    await learn(room, revoke, key.entry);
  }
  assert.equal(await drain(rooms[1]!), [], 'the revoker is there to do it');
  const frames = await drain(rooms[0]!, { next: 100 });
  const cuts = rooms[0]!.room.state.control.countingCuts();
  const cut = cuts.get(toHex(account.devices[1]!.logged.id))!.entry;
  const accepted = [...rooms[0]!.room.state.chains.values()].filter(
    ({ deviceHex }) => deviceHex === toHex(account.devices[1]!.logged.id),
  );
  assert.is(cut.chains.length, accepted.length);
  for (const { address, last, hash } of accepted) {
    const named = cut.chains.find(
      ({ clientId, stream }) => clientId === address.clientId && stream === address.stream,
    );
    assert.equal([named?.counter, toHex(named!.hash)], [last, toHex(hash)]);
  }
  await web.write('beyond');
  await rooms[1]!.room.receive(await drain(web, { next: 200 }));
  await rooms[1]!.room.receive(frames.map((frame, i) => ({ ...frame, position: 300 + i })));
  assert.equal(rooms[1]!.texts(), ['web 0', 'web 1', 'web 2']);
});

test('[EP15] of several cuts those by active devices go first, then the lesser hash, in every order', async () => {
  const account = await testAccount(random, 4);
  const [phone, web, desktop, tablet] = account.devices;
  const { root } = account.log;
  const end = async (log: DeviceLog, device: Uint8Array) => {
    const author = phone!.logged.id;
    const entry = {
      type: 'device-revoke',
      account: root,
      parents: log.heads,
      author,
      device,
      at: 9,
    } as const;
    const revoke = signEntry(entry, phone!.sign);
    return { revoke, log: await addToDeviceLog(log, revoke) };
  };
  const one = await end(account.log, web!.logged.id);
  const cutBy = (author: typeof phone, counter: number, revoke = one.revoke.hash): SignedEntry<Cut> =>
    signEntry(
      {
        type: 'cut',
        log: root,
        revoke,
        author: author!.logged.id,
        device: web!.logged.id,
        heads: [root],
        chains: [{ stream: 'page-0', clientId: 5, counter, hash: random.bytes(32) }],
      },
      author!.sign,
    );
  const byGone = Array.from({ length: 8 }, (_, i) => cutBy(desktop, 10 + i));
  const byActive = [cutBy(tablet, 1), cutBy(phone, 2), cutBy(tablet, 3)];
  const stray = [cutBy(tablet, 99, random.bytes(32))];
  const least = (cuts: readonly SignedEntry[]) => cuts.map(({ hash }) => toHex(hash)).sort()[0];
  const two = await end(one.log, desktop!.logged.id);
  const name = toHex(web!.logged.id);
  for (let round = 0; round < 8; round++) {
    const { control, accept, directory } = await controlOf(account);
    for (const cut of random.shuffled([...byGone, ...stray])) await control.accept(encodeEntries([cut]));
    assert.is(control.countingCuts().size, 0, 'nothing was revoked');
    await accept(one.revoke);
    assert.is(toHex(control.countingCuts().get(name)!.hash), least(byGone));
    await accept(two.revoke);
    assert.is(toHex(control.countingCuts().get(name)!.hash), least(byGone), 'better than none');
    for (const cut of random.shuffled(byActive)) await accept(cut);
    assert.is(toHex(control.countingCuts().get(name)!.hash), least(byActive));
    assert.ok(directory.log(toHex(root)));
  }
});

test.run();
