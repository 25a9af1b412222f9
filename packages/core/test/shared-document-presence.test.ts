// Presence in shared documents: what counts, what is refused, what is passed over. Rules: spec/shared-document.md §5.
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveClientId } from '../src/frame/client-id.ts';
import { sealFrame } from '../src/frame/envelope.ts';
import { createCuts } from '../src/room/cuts.ts';
import { createJudge, createPresence } from '../src/shareddoc/presence.ts';
import { encodePresence, type Presence, SIGNAL_STREAM } from '../src/shareddoc/signal.ts';
import { type TestAccount, type TestRoom, testAccount, testRoom } from './room-support.ts';
import { crafted, streamOf } from './shared-kit.ts';
import { type Seeded, seeded, type TestDevice } from './support.ts';

const test = suite('presence in shared documents');

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    return (await promise) === undefined ? 'passed over' : 'counts';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const stateOf = (clientId: number, state: object | null = { user: 'Ada' }, clock = 1): Uint8Array =>
  crafted(1, clientId, clock, JSON.stringify(state));

/** A signal as a device of the account makes it, with one thing wrong. */
const signalBy = (
  random: Seeded,
  account: TestAccount,
  reader: TestRoom,
  changes: Partial<Presence> & { readonly device?: TestDevice; readonly signer?: TestDevice } = {},
): Uint8Array => {
  const { device = account.devices[0]!, signer = device, ...fields } = changes;
  const stream = streamOf(account);
  const nonce = fields.nonce ?? random.bytes(16);
  const clientId =
    fields.clientId ?? deriveClientId(device.logged.keys.identity, account.log.root, stream, nonce);
  const presence: Presence = {
    deviceId: device.logged.id,
    stream,
    nonce,
    clientId,
    counter: 1,
    sentAt: reader.room.options.now(),
    update: stateOf(clientId),
    ...fields,
  };
  const { keyring, control } = reader.room.state;
  const key = keyring.sealing(SIGNAL_STREAM, control.current())!;
  const body = encodePresence(presence, account.log.root, signer.sign);
  return sealFrame(key, body, random.bytes);
};

const setUp = async (seed: number) => {
  const random = seeded(seed);
  const account = await testAccount(random, 3);
  const reader = await testRoom(random, account, 2);
  const judge = createJudge(reader.room, streamOf(account));
  const make = (changes?: Parameters<typeof signalBy>[3]) => signalBy(random, account, reader, changes);
  return { random, account, reader, judge, make };
};

test('[SD20] a signal holds one state, of the clientID that follows from device, chat, stream and nonce', async () => {
  const { random, account, judge, make } = await setUp(1);
  assert.is(await codeOf(judge(make())), 'counts');
  const nonce = random.bytes(16);
  const other = deriveClientId(
    account.devices[1]!.logged.keys.identity,
    account.log.root,
    streamOf(account),
    nonce,
  );
  assert.is(await codeOf(judge(make({ clientId: other, nonce }))), 'FRAME_FORGED');
  const updates = (clientId: number): Uint8Array[] => [
    crafted(0),
    stateOf(clientId + 1),
    crafted(2, clientId, 1, '{}', clientId + 1, 1, '{}'),
    crafted(1, clientId, 1, '{}', 0),
    crafted(1, clientId, 1, '{'),
    crafted(1, clientId, 1, '[1]'),
    crafted(1, clientId, 1, '"text"'),
    crafted(1, clientId, 1, 2, Uint8Array.of(0xc3, 0x28)),
  ];
  const own = deriveClientId(
    account.devices[0]!.logged.keys.identity,
    account.log.root,
    streamOf(account),
    nonce,
  );
  for (const update of updates(own)) assert.is(await codeOf(judge(make({ nonce, update }))), 'MALFORMED');
  const large = stateOf(own, { text: 'x'.repeat(LIMITS.presenceBytes) });
  assert.is(await codeOf(judge(make({ nonce, update: large }))), 'TOO_LARGE');
  assert.is(await codeOf(judge(make({ nonce, update: stateOf(own, null) }))), 'counts');
});

test('[SD20] any bytes and every prefix give a verdict', async () => {
  const { random, account, reader, judge, make } = await setUp(2);
  const whole = make();
  for (let end = 0; end < whole.length; end += 3)
    assert.ok(['FRAME_UNREADABLE', 'passed over'].includes(await codeOf(judge(whole.subarray(0, end)))));
  const { keyring, control } = reader.room.state;
  const key = keyring.sealing(SIGNAL_STREAM, control.current())!;
  for (let i = 0; i < 200; i++) {
    const bytes = random.bytes(random.below(200));
    assert.ok(
      ['MALFORMED', 'TOO_LARGE', 'passed over'].includes(
        await codeOf(judge(sealFrame(key, bytes, random.bytes))),
      ),
    );
  }
  // A frame of the document itself is no signal: it has another key.
  const frameKey = keyring.sealing(streamOf(account), control.current())!;
  assert.is(await codeOf(judge(sealFrame(frameKey, random.bytes(200), random.bytes))), 'FRAME_UNREADABLE');
});

test('[SD21] a signal that its device did not sign is refused, and of each kind one is reported', async () => {
  const { account, reader, judge, make } = await setUp(3);
  const [, other] = account.devices as [TestDevice, TestDevice];
  assert.is(await codeOf(judge(make({ signer: other }))), 'FRAME_FORGED');
  const stream = streamOf(account);
  const awareness = new Awareness(new Y.Doc());
  const presence = createPresence({
    room: reader.room,
    stream,
    awareness: () => awareness,
    signal: () => undefined,
    after: () => () => undefined,
  });
  for (let i = 0; i < 5; i++) reader.room.signalled(make({ signer: other }));
  for (let i = 0; i < 5; i++) reader.room.signalled(make({ update: crafted(0) }));
  await presence.idle();
  assert.equal(
    reader.evidence.map(({ code }) => code),
    ['FRAME_FORGED', 'MALFORMED'],
  );
  assert.is(awareness.getStates().size, 1);
  presence.end();
  awareness.destroy();
});

test('[SD22] replays, late ones, those of other documents, of strangers and of ended devices are passed over', async () => {
  const { random, account, reader, judge, make } = await setUp(4);
  const now = reader.room.options.now();
  const nonce = random.bytes(16);
  const first = make({ nonce, counter: 5 });
  assert.is(await codeOf(judge(first)), 'counts');
  assert.is(await codeOf(judge(first)), 'passed over');
  assert.is(await codeOf(judge(make({ nonce, counter: 4 }))), 'passed over');
  assert.is(await codeOf(judge(make({ nonce, counter: 6 }))), 'counts');
  const far = LIMITS.presenceMs + 1_000;
  assert.is(await codeOf(judge(make({ sentAt: now - far }))), 'passed over');
  assert.is(await codeOf(judge(make({ sentAt: now + far }))), 'passed over');
  assert.is(await codeOf(judge(make({ sentAt: now - far + 2_000 }))), 'counts');
  assert.is(await codeOf(judge(make({ stream: streamOf(account, 'other') }))), 'passed over');
  const stranger = await testAccount(random, 1);
  assert.is(await codeOf(judge(make({ device: stranger.devices[0]! }))), 'passed over');
  const known = await testRoom(random, account, 2, { others: [stranger] });
  const knows = createJudge(known.room, streamOf(account));
  const byStranger = signalBy(random, account, known, { device: stranger.devices[0]! });
  assert.is(await codeOf(knows(byStranger)), 'passed over');
  const cuts = createCuts();
  const [ended] = account.devices as [TestDevice];
  const after = await testRoom(random, account, 2, { cuts });
  const judgeAfter = createJudge(after.room, streamOf(account));
  assert.is(await codeOf(judgeAfter(signalBy(random, account, after))), 'counts');
  cuts.set(Buffer.from(ended.logged.id).toString('hex'), { order: 'a', chains: new Map() });
  assert.is(await codeOf(judgeAfter(signalBy(random, account, after))), 'passed over');
  const own = make({ device: account.devices[2]! });
  assert.is(await codeOf(judge(own)), 'passed over');
});

test('[SD23] who draws clientIDs without end fills nothing', async () => {
  const { reader, judge, make } = await setUp(5);
  let counted = 0;
  for (let i = 0; i < LIMITS.presenceDevices + 20; i++)
    if ((await codeOf(judge(make()))) === 'counts') counted += 1;
  assert.is(counted, LIMITS.presenceDevices);
  // The clock of these tests goes a millisecond a question.
  for (let i = 0; i < 2 * LIMITS.presenceMs + 2_000; i++) reader.room.options.now();
  assert.is(await codeOf(judge(make())), 'counts');
});

test('[SD24] a state is sent at once, then the newest after a pause, again for who is new, and the end', async () => {
  const { random, account, reader } = await setUp(6);
  const held = reader.records.size;
  const sender = await testRoom(random, account, 0);
  const stream = streamOf(account);
  const { clientId } = sender.room.state.documents.open(stream);
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const awareness = new Awareness(doc);
  const signals: Uint8Array[] = [];
  const timers: (() => void)[] = [];
  const presence = createPresence({
    room: sender.room,
    stream,
    awareness: () => awareness,
    signal: (payload) => signals.push(payload),
    after: (_ms, run) => {
      timers.push(run);
      return () => undefined;
    },
  });
  awareness.on('update', presence.changed);
  const elsewhere = new Awareness(new Y.Doc());
  const theirs = createPresence({
    room: reader.room,
    stream,
    awareness: () => elsewhere,
    signal: () => undefined,
    after: () => () => undefined,
  });
  const seen = async (): Promise<unknown> => {
    for (const payload of signals.splice(0)) reader.room.signalled(payload);
    await theirs.idle();
    return elsewhere.getStates().get(clientId);
  };
  awareness.setLocalState({ at: 0 });
  assert.is(signals.length, 0, 'sent while the room is not live');
  await sender.room.goLive();
  await sender.room.idle();
  const kept = sender.records.size;
  timers.shift()?.();
  assert.equal(await seen(), { at: 0 });
  for (let at = 1; at <= 50; at++) awareness.setLocalState({ at });
  assert.is(signals.length <= 1, true);
  while (timers.length > 0) timers.shift()!();
  assert.equal(await seen(), { at: 50 });
  while (timers.length > 0) timers.shift()!();
  signals.length = 0;
  sender.room.signalled(signalBy(random, account, sender, { device: account.devices[1]! }));
  await presence.idle();
  assert.is(signals.length, 1, 'who is new hears nobody');
  sender.room.signalled(signalBy(random, account, sender, { device: account.devices[1]!, counter: 2 }));
  awareness.setLocalState(null);
  presence.end();
  assert.is(await seen(), undefined);
  assert.is(sender.records.size, kept);
  assert.is(reader.records.size, held);
  assert.equal(reader.evidence, []);
  for (const one of [awareness, elsewhere]) one.destroy();
  theirs.end();
});

test.run();
