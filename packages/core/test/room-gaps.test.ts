// What a device says when frames are missing, and that nobody can keep it from saying so. Rules: spec/frame.md §6 and §7.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBody, encodeBody, encodeSigned } from '../src/frame/body.ts';
import { chainNext, chainStart, chainStatement } from '../src/frame/chain.ts';
import { openFrame, sealFrame, streamKey } from '../src/frame/envelope.ts';
import { roomIdOf } from '../src/identity/device-keys.ts';
import { addToDeviceLog } from '../src/identity/device-log.ts';
import { signEntry } from '../src/identity/log-entry.ts';
import { gapRepair } from '../src/room/gaps.ts';
import { drain, PAGE, type TestRoom, testAccount, testRoom } from './room-support.ts';
import { seeded, testDevice } from './support.ts';

const test = suite('gaps of a room');

const codes = ({ evidence }: TestRoom) => evidence.map(({ code }) => code);

/** A phone's frames: its log, then one message each. */
const conversation = async (seed: number) => {
  const random = seeded(seed);
  const account = await testAccount(random, 2);
  const phone = await testRoom(random, account, 0);
  const web = await testRoom(random, account, 1);
  const position = { next: 1 };
  const frames = [];
  for (let i = 0; i < 4; i++) {
    await phone.write(`text ${i}`);
    frames.push(...(await drain(phone, position)));
  }
  const [log, ...words] = frames;
  return { random, account, phone, web, log: log!, words };
};

test('[FR11] a frame left out of a chain is reported, though what follows it only waits', async () => {
  const { web, log, words } = await conversation(1);
  await web.room.receive([log, words[0]!, words[2]!]);
  assert.equal(codes(web), [], 'the head has not been reached yet');
  await web.room.goLive();
  assert.equal(codes(web), ['FRAME_GAP']);
  await web.room.receive([words[3]!]);
  assert.equal(codes(web), ['FRAME_GAP'], 'once is enough');
  await web.room.receive([{ ...words[1]!, position: 900 }]);
  assert.is(web.texts().length, 4);
});

test('[FR11] a frame that nobody has the key of is reported, and silences nothing', async () => {
  const { random, web, log, words } = await conversation(2);
  const junk = Uint8Array.from([1, 1, ...random.bytes(200)]);
  await web.room.goLive();
  await web.room.receive([log, { position: 2, stream: PAGE, frame: junk }]);
  assert.equal(codes(web), ['FRAME_KEY_MISSING']);
  await web.room.receive([words[0]!, words[2]!].map((frame, i) => ({ ...frame, position: 10 + i })));
  assert.equal(codes(web), ['FRAME_KEY_MISSING', 'FRAME_GAP']);
});

test('[FR11] a frame that waited in the vault for what comes before it is not taken for one without a key', async () => {
  const { random, account, web, log, words } = await conversation(4);
  await web.room.goLive();
  await web.room.receive([log, words[0]!, words[2]!]);
  assert.equal(codes(web), ['FRAME_GAP']);
  const again = await testRoom(random, account, 1, { records: web.records });
  await again.room.goLive();
  assert.equal(codes(again), ['FRAME_GAP']);
});

test('[FR10] an opening under a clientID that is not its device’s is refused, not kept waiting', async () => {
  const { random, account, web, log, words } = await conversation(3);
  const key = streamKey(account.epochKey, roomIdOf(account.secret), PAGE, account.log.root);
  const body = decodeBody(openFrame(key, words[0]!.frame));
  const { id } = account.devices[0]!.logged;
  const address = { logId: account.log.root, stream: PAGE, deviceId: id, clientId: body.clientId + 1 };
  const signed = encodeSigned({ ...body, clientId: address.clientId }, true);
  const statement = chainStatement(address, body.counter, chainNext(chainStart(address), signed));
  const frame = sealFrame(key, encodeBody(signed, account.devices[0]!.sign(statement)), random.bytes);
  await web.room.receive([log, { ...words[0]!, frame }]);
  assert.equal(codes(web), ['FRAME_FORGED']);
  assert.equal(web.texts(), []);
});

test('[FR25] a room in which something is missing is asked for once more, from the beginning', async () => {
  const { web, log, words } = await conversation(5);
  let asked = 0;
  Object.assign(web.room.options, { refetch: () => asked++ });
  await web.room.receive([log, words[0]!, words[2]!]);
  assert.is(asked, 0, 'all has not come yet');
  await web.room.goLive();
  assert.is(asked, 1);
  assert.is(web.room.cursor(), 0);
  await web.room.receive([log]);
  assert.is(web.room.cursor(), log.position, 'what waits has come before');
  await web.room.receive(words);
  assert.is(web.texts().length, 4);
  assert.is(asked, 1);
});

test('[FR25] what never comes is asked for ever more rarely', () => {
  const minute = 60_000;
  let now = 1_000_000;
  const asked: number[] = [];
  const tell = gapRepair(
    () => now,
    () => asked.push(now),
  );
  const began = now;
  tell(false);
  for (; now < began + 3 * 24 * 60 * minute; now += minute) tell(true);
  const minutes = asked.map((at) => (at - began) / minute);
  assert.equal(minutes.slice(0, 6), [0, 1, 5, 21, 85, 341]);
  assert.equal(minutes.slice(6), [1365, 2805, 4245], 'once a day');
  tell(false);
  now += 24 * 60 * minute;
  tell(true);
  now += minute;
  tell(true);
  assert.is(asked.at(-1), now, 'nothing was missing in between: anew');
});

test('[FR26] heads that a device names and that never came are reported, until the log comes', async () => {
  const { random, account, web } = await conversation(6);
  const other = testDevice(random, account.log.root);
  const author = account.devices[0]!;
  const add = signEntry(
    {
      type: 'device-add',
      account: account.log.root,
      parents: account.log.heads,
      author: author.logged.id,
      device: other.logged.keys,
      rights: 0,
      at: 3,
    },
    author.sign,
    other.sign,
  );
  const longer = await addToDeviceLog(account.log, add);
  const elsewhere = await testRoom(random, { ...account, log: longer }, 0);
  await elsewhere.write('to those who were shown more');
  const [log, words] = await drain(elsewhere, { next: 1 });
  await web.room.goLive();
  await web.room.receive([words!]);
  assert.equal(codes(web), ['FRAME_GAP', 'LOG_FORKED']);
  assert.is(web.evidence[1]!.deviceId, toHex(author.logged.id));
  assert.equal(web.texts(), ['to those who were shown more'], 'what it says counts all the same');
  await web.room.receive([{ ...log!, position: 900 }]);
  await web.room.goLive();
  assert.equal(codes(web), ['FRAME_GAP', 'LOG_FORKED'], 'said once, and mended');
});

test.run();
