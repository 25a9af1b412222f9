// What a cut and a fork do to a room, one fault a test. Rules: spec/frame.md §8, spec/log-document.md §1.
import { CONTROL_STREAM, LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { streamKey } from '../src/frame/envelope.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import type { DeviceGenesis, SignedEntry } from '../src/identity/log-entry.ts';
import { encodeEntries } from '../src/room/control.ts';
import { createCuts } from '../src/room/cuts.ts';
import { decodeRecord } from '../src/room/records.ts';
import { encodedBodyOf, type Line, type Made, startLine } from './frames-kit.ts';
import { drain, firstEpoch, PAGE, type TestRoom, testAccount, testRoom } from './room-support.ts';
import { seeded, type TestDevice } from './support.ts';

const test = suite('cuts of a room');

const codes = ({ evidence }: TestRoom) => evidence.map(({ code }) => code);

const stage = async (seed: number) => {
  const random = seeded(seed);
  const account = await testAccount(random, 3);
  const stranger = await testAccount(random, 1);
  const key = streamKey(account.epochKey, roomIdOf(account.secret), PAGE, account.log.root);
  const reader = await testRoom(random, account, 0, { others: [stranger] });
  const [, device, other] = account.devices as [TestDevice, TestDevice, TestDevice];
  let position = 0;
  return {
    random,
    account,
    stranger,
    key,
    reader,
    device,
    other,
    line: (of: TestDevice) => startLine({ random, logId: account.log.root, device: of, key }),
    give: (to: TestRoom, ...made: readonly Made[]) =>
      to.room.receive(made.map((frame) => ({ ...frame, position: ++position }))),
    async cut(to: TestRoom, of: TestDevice, order: string, ...lines: readonly Line[]) {
      const chains = new Map(lines.map((line) => [line.key, line.limit()]));
      to.room.state.cuts.set(toHex(of.logged.id), { order, chains });
      await Promise.resolve();
      await to.room.idle();
      await to.room.idle();
    },
  };
};

test('[FR19] what lies beyond a cut is void whether it came before the cut or after', async () => {
  const { reader, device, line, give, cut } = await stage(1);
  const chain = line(device);
  const counting = chain.say(1, { texts: ['counts'] });
  const at = chain.fork();
  const late = chain.say(2, { texts: ['applied, then void'] });
  await give(reader, counting, late);
  assert.equal(reader.texts(), ['applied, then void', 'counts']);
  await cut(reader, device, 'aa', at);
  assert.equal(reader.texts(), ['counts']);
  const later = chain.say(3, { texts: ['void at once'] });
  const unlisted = line(device).say(4, { texts: ['in another chain'] });
  await give(reader, later, unlisted, later);
  assert.equal(reader.texts(), ['counts']);
  assert.equal(codes(reader), ['FRAME_VOID', 'FRAME_VOID', 'FRAME_VOID'], 'each is reported once');
  assert.not([...reader.records.values()].some((bytes) => decodeRecord(bytes).type === 'parked'));
});

test('[FR19] of several cuts the one of the lesser hash counts, whichever came first', () => {
  const hash = new Uint8Array(32);
  const small = { order: '11', chains: new Map([['page-0/1', { counter: 2, hash }]]) };
  const large = { order: '22', chains: new Map([['page-0/1', { counter: 9, hash }]]) };
  for (const both of [
    [small, large],
    [large, small],
  ]) {
    const cuts = createCuts();
    const told: string[] = [];
    cuts.onChange((device) => told.push(device));
    for (const each of both) cuts.set('d', each);
    assert.equal(cuts.limitOf('d', 'page-0/1'), { counter: 2, hash });
    assert.is(cuts.limitOf('d', 'page-0/2'), 'none');
    assert.is(cuts.limitOf('e', 'page-0/1'), undefined);
    assert.ok(cuts.isVoid('d', 'page-0/1', 3));
    assert.not(cuts.isVoid('d', 'page-0/1', 2));
    assert.is(cuts.set('d', both[0]!), false, 'again');
    assert.is(cuts.withdraw('d', '11'), true);
    assert.equal(cuts.limitOf('d', 'page-0/1'), { counter: 9, hash });
    assert.is(cuts.withdraw('d', '22'), true);
    assert.is(cuts.limitOf('d', 'page-0/1'), undefined);
    assert.is(cuts.size, 0);
    assert.is(told.length, both[0] === small ? 3 : 4);
  }
});

test('[FR20] two frames signed for one place: nothing from there on, and both bytes as proof', async () => {
  const { reader, device, key, line, give } = await stage(2);
  const chain = line(device);
  const first = chain.say(1, { texts: ['true for all'] });
  const lie = chain.fork();
  const [one, other] = [chain.say(2, { texts: ['yes'] }), lie.say(2, { texts: ['no'] })];
  await give(reader, first, one);
  await give(reader, other, lie.say(3, { texts: ['and more'] }));
  assert.equal(reader.texts(), ['true for all']);
  const proof = reader.evidence.find(({ code }) => code === 'FRAME_EQUIVOCATION');
  assert.is(proof?.deviceId, toHex(device.logged.id));
  assert.equal(
    [toHex(proof!.bytes!), toHex(proof!.other!)],
    [encodedBodyOf({ key }, other), encodedBodyOf({ key }, one)],
  );
  const records = [...reader.records.values()].map(decodeRecord);
  assert.ok(records.some((record) => record.type === 'refused' && record.why === 'fork'));
});

test('[FR20] a second frame that its device did not sign accuses nobody and ends nothing', async () => {
  const { reader, stranger, device, line, give } = await stage(3);
  const chain = line(device);
  const before = chain.fork();
  const signer = stranger.devices[0]!;
  await give(reader, chain.say(1, { texts: ['mine'] }), before.say(1, { texts: ['forged'], signer }));
  await give(reader, chain.say(2, { texts: ['and on'] }));
  assert.equal(codes(reader), ['FRAME_FORGED']);
  assert.equal(reader.texts(), ['and on', 'mine']);
});

test('[FR20] a device restored from an old copy, or after a power loss, is no liar', async () => {
  const { random, account, reader } = await stage(4);
  const phone = await testRoom(random, account, 1);
  const position = { next: 1 };
  await phone.write('before the copy');
  const frames = await drain(phone, position);
  await phone.write('stored, not sent');
  const copy = new Map(phone.records);
  frames.push(...(await drain(phone, position)));
  await phone.write('after the copy');
  frames.push(...(await drain(phone, position)));
  const restored = await testRoom(random, account, 1, { records: copy });
  await restored.room.receive(frames);
  await restored.write('by the restored one');
  frames.push(...(await drain(restored, position)));
  // Framed and stored, and the power goes before it is acknowledged: the same bytes leave again.
  await restored.write('sent twice');
  await restored.room.goLive();
  await restored.room.idle();
  const once = restored.sent.splice(0).map((frame) => ({ ...frame, position: position.next++ }));
  const again = await testRoom(random, account, 1, { records: restored.records });
  frames.push(...once, ...(await drain(again, position)));
  await reader.room.receive(random.shuffled(frames).map((frame, i) => ({ ...frame, position: i + 1 })));
  assert.equal(codes(reader), []);
  assert.is(reader.texts().length, 5);
});

test('[FR21] the line that a cut names counts, though another one was held and more are signed later', async () => {
  const { random, account, reader, device, line, give, cut } = await stage(5);
  const chain = line(device);
  const opening = chain.say(1, { texts: ['common'] });
  const lie = chain.fork();
  const named = chain.say(2, { texts: ['shown to who cut'] });
  await give(reader, opening, lie.say(2, { texts: ['shown to us'] }));
  await cut(reader, device, 'aa', chain);
  assert.equal(reader.texts(), ['common'], 'another frame stands where the cut names one');
  await give(reader, named);
  assert.equal(reader.texts(), ['common', 'shown to who cut']);
  const thief = line(device);
  await give(reader, thief.say(1, { texts: ['new'] }), lie.fork().say(3, { texts: ['later'] }));
  assert.equal(reader.texts(), ['common', 'shown to who cut']);
  const again = await testRoom(random, account, 0, {
    records: reader.records,
    cuts: reader.room.state.cuts,
  });
  assert.equal(again.texts(), ['common', 'shown to who cut']);
  assert.equal(codes(again), []);
});

test('[FR22] what was void counts when a more generous cut takes the place of the first', async () => {
  const { reader, device, line, give, cut } = await stage(6);
  const chain = line(device);
  const first = chain.say(1, { texts: ['one'] });
  const early = chain.fork();
  const more = [chain.say(2, { texts: ['two'] }), chain.say(3, { texts: ['three'] })];
  await give(reader, first, more[0]!);
  await cut(reader, device, 'bb', early);
  await give(reader, more[1]!);
  assert.equal(reader.texts(), ['one']);
  await cut(reader, device, 'aa', chain);
  assert.equal(reader.texts(), ['one', 'three', 'two']);
  reader.room.state.cuts.withdraw(toHex(device.logged.id), 'aa');
  await Promise.resolve();
  await reader.room.idle();
  await reader.room.idle();
  assert.equal(reader.texts(), ['one']);
});

test('[FR22] frames that nobody signed are kept only so many', async () => {
  const { reader, stranger, device, line, give } = await stage(7);
  const chain = line(device);
  const signer = stranger.devices[0]!;
  await give(reader, chain.say(1, { texts: ['mine'] }));
  const forgeries = Array.from({ length: LIMITS.unsignedKept + 9 }, (_, i) =>
    chain.fork().say(2, { texts: [`forged ${i}`], signer }),
  );
  await give(reader, ...forgeries);
  const kept = [...reader.records.values()].map(decodeRecord).filter(({ type }) => type === 'refused');
  assert.is(kept.length, LIMITS.unsignedKept);
  assert.is(codes(reader).length, forgeries.length);
  await give(reader, chain.say(2, { texts: ['mine again'] }));
  assert.equal(reader.texts(), ['mine', 'mine again']);
});

test('[FR23] entries in void control frames are judged like any others; what is wrong with one is said once', async () => {
  const { random, account, stranger, device, give } = await stage(8);
  const { root } = account.log;
  const key = streamKey(account.secret, roomIdOf(account.secret), CONTROL_STREAM, root);
  const chain = startLine({ random, logId: root, device, key, stream: CONTROL_STREAM });
  const reader = await testRoom(random, account, 0, { epochKeys: [] });
  reader.room.state.cuts.set(toHex(device.logged.id), { order: 'aa', chains: new Map() });
  await give(reader, chain.say(1, { payload: encodeEntries([await firstEpoch(account)]) }));
  assert.equal(codes(reader), [], 'to say what one was sent to say is no offence');
  assert.ok(reader.room.state.control.current(), 'the epoch is known');
  const wrong = chain.say(2, { payload: encodeEntries([await firstEpoch(stranger)]) });
  for (let times = 0; times < 2; times++) await give(reader, wrong);
  assert.equal(codes(reader), ['LOG_ENTRY_REFUSED']);
});

test('[FR24] a device that is cut sends nothing and keeps what it wrote', async () => {
  const { random, account } = await stage(9);
  const phone = await testRoom(random, account, 1);
  await phone.write('never sent');
  phone.room.state.cuts.set(toHex(account.devices[1]!.logged.id), { order: 'aa', chains: new Map() });
  await phone.room.goLive();
  await phone.room.idle();
  assert.is(phone.sent.length, 0);
  assert.is(phone.room.pending(), 1);
  const again = await testRoom(random, account, 1, { records: phone.records, cuts: phone.room.state.cuts });
  assert.is(again.room.pending(), 1);
});

test('[FR12] frames of a device that was known from elsewhere wait after a start, and count when it is named', async () => {
  const { random, account, stranger, reader, line, give, cut, device } = await stage(13);
  const chain = line(stranger.devices[0]!);
  await give(reader, chain.say(1, { texts: ['one'] }), chain.say(2, { texts: ['two'] }));
  assert.equal(reader.texts(), ['one', 'two']);
  const again = await testRoom(random, account, 0, { records: reader.records });
  assert.equal([again.texts(), again.room.cursor()], [[], 2]);
  await cut(again, device, 'aa'); // Judges everything anew.
  const before = again.records.size;
  await again.room.options.directory.adopt(stranger.log.entries[0] as SignedEntry<DeviceGenesis>);
  for (const entry of stranger.log.entries.slice(1)) await again.room.options.directory.learn(entry);
  await again.room.retry();
  assert.equal(again.texts(), ['one', 'two']);
  const bodies = [...again.records.values()].map(decodeRecord).filter(({ type }) => type === 'bodies');
  assert.is(bodies.flatMap((record) => (record.type === 'bodies' ? record.bodies : [])).length, 2);
  assert.ok(again.records.size <= before + 1);
  assert.equal(codes(again), []);
});

test('[FR24] what was framed, cut and let in again shows as sent once the relay has it, though the device started in between', async () => {
  const { random, account } = await stage(12);
  const id = toHex(account.devices[1]!.logged.id);
  const phone = await testRoom(random, account, 1);
  await phone.write('one');
  await phone.room.goLive();
  await phone.room.idle();
  assert.equal(
    phone.sent.map(({ stream }) => stream),
    [CONTROL_STREAM],
  );
  await phone.room.appended(1, phone.sent[0]!.frame);
  await phone.room.idle();
  assert.is(phone.sent[1]!.stream, PAGE, 'framed and not acknowledged');
  const cuts = createCuts();
  cuts.set(id, { order: 'aa', chains: new Map() });
  const again = await testRoom(random, account, 1, { records: phone.records, cuts });
  assert.equal(again.texts(), [], 'void');
  cuts.withdraw(id, 'aa');
  await Promise.resolve();
  await again.room.idle();
  assert.equal(again.texts(), ['one']);
  const [own] = [...again.room.state.own.values()].filter(({ stored }) => stored > 0);
  assert.equal(own, { stored: 1, sent: 0 });
  assert.is((await drain(again)).length, 1);
  assert.equal(own, { stored: 1, sent: 1 });
});

test('[LD5] a range of another account’s words is left out, and the rest of its frame counts', async () => {
  const { reader, stranger, device, line, give } = await stage(10);
  const chain = line(device);
  const theirs = line(stranger.devices[0]!);
  const deletions = [{ clientId: chain.clientId, clock: 0, length: 1 }];
  await give(reader, theirs.say(1, { texts: ['said with it'], deletions }));
  assert.equal(codes(reader), [], 'nobody knows yet whose words these are');
  await give(reader, chain.say(1, { texts: ['not yours'] }));
  assert.equal(codes(reader), ['UPDATE_REFUSED']);
  assert.is(reader.evidence[0]!.deviceId, toHex(stranger.devices[0]!.logged.id));
  await give(reader, theirs.say(2, { texts: ['and again'], deletions }));
  assert.equal(codes(reader), ['UPDATE_REFUSED', 'UPDATE_REFUSED']);
  assert.equal(reader.texts(), ['and again', 'not yours', 'said with it']);
});

test('[LD4] an author with too many deletions that wait holds up nobody but itself', async () => {
  const { reader, device, other, line, give } = await stage(11);
  const [chain, fine] = [line(device), line(other)];
  const nowhere = Array.from({ length: LIMITS.waitingDeletions }, (_, i) => ({
    clientId: 5,
    clock: 2 * i,
    length: 1,
  }));
  await give(reader, chain.say(1, { texts: ['at the bound'], deletions: nowhere }));
  await give(
    reader,
    chain.say(2, { texts: ['beyond it'], deletions: [{ clientId: 7, clock: 0, length: 1 }] }),
  );
  await give(reader, fine.say(1, { texts: ['fine'], deletions: [{ clientId: 7, clock: 0, length: 1 }] }));
  assert.equal(reader.texts(), ['at the bound', 'fine']);
});

test('[LD15] what a void frame deleted is there again', async () => {
  const { random, account, reader, device, other, line, give, cut } = await stage(12);
  const [mine, theirs] = [line(other), line(device)];
  await give(reader, mine.say(1, { texts: ['still here'] }));
  const at = theirs.fork();
  await give(reader, theirs.say(1, { deletions: [{ clientId: mine.clientId, clock: 0, length: 1 }] }));
  assert.equal(reader.texts(), []);
  await cut(reader, device, 'aa', at);
  assert.equal(reader.texts(), ['still here']);
  const { cuts } = reader.room.state;
  const again = await testRoom(random, account, 0, { records: reader.records, cuts });
  assert.equal(again.texts(), ['still here']);
});

test.run();
