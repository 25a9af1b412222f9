// Judging, storing and framing in one room. Rules: spec/frame.md §5–§9, spec/log-document.md, spec/epochs.md.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { decodeBody, encodeBody, encodeSigned } from '../src/frame/body.ts';
import { chainNext, chainStatement } from '../src/frame/chain.ts';
import { openFrame, sealFrame, streamKey } from '../src/frame/envelope.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { openChain } from '../src/room/chains.ts';
import { decodeRecord } from '../src/room/records.ts';
import { openProvider } from '../src/sync/provider.ts';
import { drain, firstEpoch, PAGE, testAccount, testRoom } from './room-support.ts';
import { seeded } from './support.ts';

const test = suite('room');
const random = seeded(3);

const codes = (room: { readonly evidence: readonly { readonly code: string }[] }) =>
  room.evidence.map(({ code }) => code);

test('[FR12] every order of the same frames ends in the same document', async () => {
  const account = await testAccount(random, 3);
  const writers = await Promise.all([0, 1, 2].map((i) => testRoom(random, account, i)));
  const position = { next: 1 };
  const frames = [];
  const ids: string[] = [];
  for (let round = 0; round < 6; round++)
    for (const writer of writers) {
      for (let i = 0; i <= random.below(3); i++) ids.push(await writer.write(`message ${ids.length}`));
      if (round % 2 === 1) {
        const mine = [...writer.room.page(PAGE).map.keys()];
        const release = await openProvider(writer.room, writer.room.page(PAGE));
        writer.room.page(PAGE).map.delete(mine[random.below(mine.length)]!);
        await writer.room.stored();
        release();
      }
      const made = await drain(writer, position);
      frames.push(...made);
      for (const other of writers) if (other !== writer) await other.room.receive(made);
    }
  const expected = writers[0]!.texts();
  assert.ok(expected.length > 10);
  for (const writer of writers) assert.equal(writer.texts(), expected);
  for (let round = 0; round < 20; round++) {
    const reader = await testRoom(random, account, 0);
    const shuffled = random.shuffled(frames).map((frame, i) => ({ ...frame, position: i + 1 }));
    while (shuffled.length > 0) await reader.room.receive(shuffled.splice(0, 1 + random.below(5)));
    assert.equal(reader.texts(), expected);
    assert.equal(codes(reader), []);
  }
});

test('[FR9] duplicates change nothing, whoever repeats them', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  for (let i = 0; i < 5; i++) await phone.write(`text ${i}`);
  const frames = await drain(phone);
  await web.room.receive(frames);
  await web.room.receive(frames.map((frame) => ({ ...frame, position: frame.position + 100 })));
  await phone.room.receive(frames.map((frame) => ({ ...frame, position: frame.position + 100 })));
  assert.is(web.texts().length, 5);
  assert.is(phone.texts().length, 5);
  assert.equal([...codes(web), ...codes(phone)], []);
});

test('[FR11] a withheld frame is reported, and the one that comes late still fits', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  const frames = [];
  const position = { next: 1 };
  for (let i = 0; i < 4; i++) {
    await phone.write(`text ${i}`);
    frames.push(...(await drain(phone, position)));
  }
  const withheld = frames.splice(-1, 1);
  await web.room.goLive();
  await web.room.receive(frames);
  const echo = await testRoom(random, account, 0, { records: phone.records });
  await echo.write('a later run of the same device');
  const later = await drain(echo, position);
  await web.room.receive(later);
  assert.equal(codes(web), ['FRAME_GAP']);
  await web.room.receive(withheld.map((frame) => ({ ...frame, position: 900 })));
  assert.is(web.texts().length, 5);
});

test('[FR14] a signed frame with illegal content is refused whole, with evidence, and its chain goes on', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  await phone.write('first');
  const [log, first] = await drain(phone);
  const key = streamKey(account.epochKey, roomIdOf(account.secret), PAGE, account.log.root);
  const body = decodeBody(openFrame(key, first!.frame));
  const chain = openChain(account.devices[0]!.logged, account.log.root, PAGE, body.clientId, body.opening!)!;
  const poison = Uint8Array.from([1, 1, 5, 0, 0, 3, 0]);
  const signed = encodeSigned({ ...body, payload: poison }, true);
  const signature = account.devices[0]!.sign(
    chainStatement(chain.address, body.counter, chainNext(chain.hash, signed)),
  );
  const frame = sealFrame(key, encodeBody(signed, signature), random.bytes);
  await web.room.receive([log!, { position: 2, stream: PAGE, frame }]);
  assert.equal(codes(web), ['UPDATE_REFUSED']);
  assert.is(web.evidence[0]!.deviceId, toHex(account.devices[0]!.logged.id));
  assert.ok(web.evidence[0]!.bytes!.length > 0);
  assert.equal(web.texts(), []);
});

test('[FR15] edits that wait leave together; nothing waits when nothing is in flight', async () => {
  const account = await testAccount(random, 1);
  const phone = await testRoom(random, account, 0);
  for (let i = 0; i < 1000; i++) await phone.write(`offline ${i}`);
  const release = await openProvider(phone.room, phone.room.page(PAGE));
  for (const id of [...phone.room.page(PAGE).map.keys()].slice(0, 50)) phone.room.page(PAGE).map.delete(id);
  await phone.room.stored();
  release();
  const frames = await drain(phone);
  assert.ok(frames.filter(({ stream }) => stream === PAGE).length <= 5, `${frames.length} frames`);
  const web = await testRoom(random, account, 0);
  await web.room.receive(frames);
  assert.is(web.texts().length, 950);
});

test('[FR16] a frame is stored before it is sent, and sent again as the same bytes', async () => {
  const account = await testAccount(random, 1);
  const phone = await testRoom(random, account, 0);
  await phone.write('only once');
  await phone.room.goLive();
  await phone.room.idle();
  const first = phone.sent.map(({ frame }) => toHex(frame));
  const stored = [...phone.records.values()]
    .map(decodeRecord)
    .flatMap((record) => (record.type === 'framed' ? [toHex(record.frame)] : []));
  assert.equal(stored, first.slice(-1));
  const restarted = await testRoom(random, account, 0, { records: phone.records });
  await restarted.room.goLive();
  await restarted.room.idle();
  assert.equal(
    restarted.sent.map(({ frame }) => toHex(frame)),
    first.slice(-1),
  );
  assert.equal(restarted.texts(), ['only once']);
});

test('[FR16] a deletion that waits survives a restart, whatever is judged in between', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  const id = await phone.write('deleted, then the power went');
  const position = { next: 1 };
  const written = await drain(phone, position);
  await web.room.receive(written);
  await web.write('from the other device');
  const others = await drain(web, position);
  const release = await openProvider(phone.room, phone.room.page(PAGE));
  phone.room.page(PAGE).map.delete(id);
  await phone.room.stored();
  release();
  await phone.room.receive(others);
  const restarted = await testRoom(random, account, 0, { records: phone.records });
  assert.equal(restarted.texts(), ['from the other device']);
  await restarted.room.receive(others.map((frame) => ({ ...frame, position: frame.position + 50 })));
  const again = await testRoom(random, account, 0, { records: restarted.records });
  assert.equal(again.texts(), ['from the other device']);
  await web.room.receive(await drain(again, { next: 100 }));
  assert.equal(web.texts(), ['from the other device']);
});

test('[EP3] a frame waits for its key in the vault and opens when the key comes', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  await phone.write('sealed before you knew');
  const frames = await drain(phone);
  const web = await testRoom(random, account, 1, { epochKeys: [] });
  await web.room.receive(frames);
  assert.equal(web.texts(), []);
  assert.ok([...web.records.values()].some((bytes) => decodeRecord(bytes).type === 'parked'));
  const reopened = await testRoom(random, account, 1, { epochKeys: [], records: web.records });
  await phone.room.putControl([await firstEpoch(account)]);
  const rest = await drain(phone, { next: frames.length + 1 });
  await reopened.room.receive(rest);
  assert.equal(reopened.texts(), ['sealed before you knew']);
  assert.not([...reopened.records.values()].some((bytes) => decodeRecord(bytes).type === 'parked'));
});

test('[LD4] a deletion waits for what it deletes', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  const id = await phone.write('to be deleted by my other device');
  const position = { next: 1 };
  const written = await drain(phone, position);
  await web.room.receive(written);
  const release = await openProvider(web.room, web.room.page(PAGE));
  web.room.page(PAGE).map.delete(id);
  await web.room.stored();
  release();
  const deleted = await drain(web, position);
  const reader = await testRoom(random, account, 0);
  await reader.room.receive(deleted);
  assert.equal(reader.texts(), []);
  await reader.room.receive(written.map((frame) => ({ ...frame, position: 100 + frame.position })));
  assert.equal(reader.texts(), []);
  assert.is(reader.room.stateVector(PAGE).length > 2, true);
  assert.equal(codes(reader), []);
});

test('[LD5] nothing in the account document can be deleted', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0, { kind: 'account' });
  const id = await phone.write('a key that must stay');
  const release = await openProvider(phone.room, phone.room.page(PAGE));
  const first = await drain(phone);
  phone.room.page(PAGE).map.delete(id);
  await phone.room.stored();
  release();
  const second = await drain(phone, { next: 2 });
  const web = await testRoom(random, account, 1, { kind: 'account' });
  await web.room.receive([...first, ...second]);
  assert.equal(codes(web), ['UPDATE_REFUSED']);
  assert.equal(web.texts(), ['a key that must stay']);
});

test('[DL5] a device shows its log in a chat once, before its first words', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  await phone.write('hello');
  const frames = await drain(phone);
  assert.equal(
    frames.map(({ stream }) => stream),
    ['control', PAGE],
  );
  const web = await testRoom(random, account, 1);
  await web.room.receive(frames);
  await web.write('and back');
  assert.equal(
    (await drain(web, { next: 3 })).map(({ stream }) => stream),
    [PAGE],
  );
});

test('[FR13] parking is bounded, and what did not fit is fetched again', async () => {
  const account = await testAccount(random, 1);
  const phone = await testRoom(random, account, 0);
  const position = { next: 1 };
  const frames = [];
  for (let i = 0; i < LIMITS.parkedFrames + 30; i++) {
    await phone.write(`early ${i}`);
    frames.push(...(await drain(phone, position)));
  }
  const reader = await testRoom(random, account, 0);
  const [log, first, ...rest] = frames;
  await reader.room.receive([log!]);
  await reader.room.receive(rest);
  assert.equal(codes(reader), ['PARKING_FULL']);
  assert.is(reader.texts().length, 0);
  const cursor = reader.room.cursor();
  assert.ok(cursor < rest.at(-1)!.position);
  reader.room.goDown();
  const again = rest.filter((frame) => frame.position > cursor);
  await reader.room.receive([...again, { ...first!, position: 90_000 }]);
  assert.is(reader.texts().length, LIMITS.parkedFrames + 30);
});

test('[FR13] one author that floods the parking takes nobody else out of it', async () => {
  const account = await testAccount(random, 2);
  const flooder = await testRoom(random, account, 0);
  const other = await testRoom(random, account, 1);
  const position = { next: 1 };
  await flooder.write('withheld');
  const [log, ...withheld] = await drain(flooder, position);
  const flood = [];
  for (let i = 0; i < LIMITS.parkedFrames + 10; i++) {
    await flooder.write(`flood ${i}`);
    flood.push(...(await drain(flooder, position)));
  }
  await other.room.receive([log!]);
  await other.write('first of the other');
  const [early] = await drain(other, position);
  await other.write('second of the other');
  const [late] = await drain(other, position);
  const reader = await testRoom(random, account, 1);
  await reader.room.receive([log!, ...flood, late!]);
  assert.equal(codes(reader), ['PARKING_FULL']);
  await reader.room.receive([{ ...early!, position: late!.position + 1 }]);
  assert.equal(reader.texts(), ['first of the other', 'second of the other']);
  assert.is(withheld.length, 1);
});

test('foreign work in a local edit is dropped and reported', async () => {
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const foreign = new Y.Doc();
  foreign.getMap('e').set('x', 'y');
  assert.throws(
    () => phone.room.submit(PAGE, Y.encodeStateAsUpdate(foreign)),
    (error: unknown) => error instanceof SealwireError,
  );
  assert.is(phone.room.pending(), 0);
});

test('what was dropped leaves the document again, and blocks nothing that follows', async () => {
  const account = await testAccount(random, 1);
  const phone = await testRoom(random, account, 0);
  await phone.write('before');
  const page = phone.room.page(PAGE);
  const release = await openProvider(phone.room, page);
  page.append(new Uint8Array(LIMITS.entryBytes + 1));
  await phone.room.idle();
  release();
  assert.equal(codes(phone), ['FOREIGN_EDIT_DROPPED']);
  await phone.write('after');
  assert.equal(phone.texts(), ['after', 'before']);
  assert.is(phone.room.pending(), 2);
});

test.run();
