// Shared documents in rooms: every order, cuts, what waits, what Yjs cannot take, what may leave. Rules:
// spec/shared-document.md §2 to §4.
import { toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createCuts, type DeviceCut } from '../src/room/cuts.ts';
import { drain, type TestAccount, type TestRoom, testAccount, testRoom } from './room-support.ts';
import {
  ALICE,
  contentOf,
  crafted,
  editAnything,
  isWhole,
  oneStruct,
  openDoc,
  streamOf,
} from './shared-kit.ts';
import { type Seeded, seeded } from './support.ts';

const test = suite('shared documents in rooms');

type Frames = Awaited<ReturnType<typeof drain>>;

/** Edits of one turn are in the vault. */
const stored = ({ room }: TestRoom): Promise<void> => room.stored();

/** Three devices edit, apart and together. @returns their frames in relay order, and the text that they agree on. */
const conversation = async (random: Seeded, account: TestAccount, edits: number) => {
  const stream = streamOf(account);
  const writers = await Promise.all([0, 1, 2].map((i) => testRoom(random, account, i)));
  const docs = await Promise.all(writers.map((writer) => openDoc(writer, stream)));
  const frames: Frames = [];
  const position = { next: 1 };
  const exchange = async (some: readonly number[]): Promise<void> => {
    const catchUp = (i: number): Promise<void> => {
      const { room } = writers[i]!;
      return room.receive(frames.filter(({ position: at }) => at > room.cursor()));
    };
    for (const i of some) {
      await catchUp(i);
      frames.push(...(await drain(writers[i]!, position)));
    }
    for (const i of some) await catchUp(i);
  };
  for (let i = 0; i < edits; i++) {
    editAnything(random.pick(docs).doc, random, Y);
    if (random.below(3) === 0) await Promise.all(writers.map(stored));
    if (random.below(6) === 0)
      await exchange(
        random.pick([
          [0, 1],
          [1, 2],
          [0, 2],
          [0, 1, 2],
        ]),
      );
  }
  await Promise.all(writers.map(stored));
  await exchange([0, 1, 2]);
  await exchange([0, 1, 2]);
  const content = contentOf(docs[0]!.doc);
  for (const { doc } of docs) assert.equal(contentOf(doc), content);
  for (const writer of writers) assert.equal(writer.evidence, []);
  for (const one of docs) one.close();
  return { stream, frames, content, writers };
};

test('[SD2, SD12] every order of frames, with restarts, ends in the same document', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    const account = await testAccount(random, 4);
    const { stream, frames, content } = await conversation(random, account, 60);
    assert.ok(frames.length > 10);
    for (let round = 0; round < 6; round++) {
      let reader = await testRoom(random, account, 3);
      let open = await openDoc(reader, stream);
      const order = round === 0 ? frames : random.shuffled(frames);
      const restartAt = round % 2 === 1 ? random.below(order.length) : -1;
      // Positions rise in every delivery; what is late comes at a later one.
      for (let at = 0; at < order.length; ) {
        const some = order.slice(at, at + 1 + random.below(8));
        await reader.room.receive(some.map((frame, i) => ({ ...frame, position: at + i + 1 })));
        at += some.length;
        assert.ok(isWhole(open.doc));
        if (restartAt < 0 || at < restartAt || reader.records.size === 0) continue;
        open.close();
        reader = await testRoom(random, account, 3, { records: reader.records });
        open = await openDoc(reader, stream);
      }
      assert.equal(contentOf(open.doc), content, `seed ${seed}, round ${round}`);
      assert.equal(reader.evidence, []);
      open.close();
    }
  }
});

test('[SD10] a frame waits for what it builds on, and nothing of it waits in Yjs', async () => {
  const random = seeded(3);
  const account = await testAccount(random, 3);
  const stream = streamOf(account);
  const [alice, bob, carol] = (await Promise.all([0, 1, 2].map((i) => testRoom(random, account, i)))) as [
    TestRoom,
    TestRoom,
    TestRoom,
  ];
  const [a, b, c] = await Promise.all([alice, bob, carol].map((room) => openDoc(room, stream)));
  a!.doc.getText('t').insert(0, 'Alice');
  await stored(alice);
  const first = await drain(alice);
  await bob.room.receive(first);
  b!.doc.getText('t').insert(5, ' and Bob');
  b!.doc.getText('t').delete(0, 1);
  await stored(bob);
  const second = await drain(bob, { next: 2 });
  await carol.room.receive(second.map((frame) => ({ ...frame, position: 1 })));
  assert.is(c!.text(), '');
  assert.ok(isWhole(c!.doc));
  await carol.room.receive(first.map((frame) => ({ ...frame, position: 2 })));
  assert.is(c!.text(), 'lice and Bob');
  assert.equal(carol.evidence, []);
  for (const one of [a, b, c]) one!.close();
});

test('[SD11, SD19] what was written on text that is cut off goes with it, in every order alike', async () => {
  const random = seeded(11);
  const account = await testAccount(random, 4);
  const stream = streamOf(account);
  const [alice, bob] = (await Promise.all([0, 1].map((i) => testRoom(random, account, i)))) as [
    TestRoom,
    TestRoom,
  ];
  const [a, b] = await Promise.all([alice, bob].map((room) => openDoc(room, stream)));
  const position = { next: 1 };
  const frames: Frames = [];
  const pass = async (from: TestRoom, to: TestRoom): Promise<void> => {
    await stored(from);
    const some = await drain(from, position);
    frames.push(...some);
    await to.room.receive(some);
  };
  a!.doc.getText('t').insert(0, 'one. ');
  await pass(alice, bob);
  b!.doc.getText('t').insert(5, 'two. ');
  await pass(bob, alice);
  const { chains } = alice.room.state;
  const chain = [...chains.values()].find(({ deviceHex }) => deviceHex === bob.room.state.ownId)!;
  const limit = { counter: chain.last, hash: chain.hash };
  b!.doc.getText('t').insert(10, 'VOID. ');
  await pass(bob, alice);
  a!.doc.getText('t').insert(16, 'on void. ');
  a!.doc.getText('t').insert(0, 'zero. ');
  a!.doc.getText('t').delete(17, 1);
  await pass(alice, bob);
  a!.doc.getText('t').insert(6, 'later. ');
  await pass(alice, bob);
  const key = [...chains].find(([, value]) => value === chain)![0];
  const cut: DeviceCut = { order: 'a', chains: new Map([[key, limit]]) };
  const bobId = toHex(account.devices[1]!.logged.id);
  const expected = 'zero. later. one. two. ';
  for (let round = 0; round < 12; round++) {
    const cuts = createCuts();
    const reader = await testRoom(random, account, 3, { cuts });
    const open = await openDoc(reader, stream);
    let replaced = 0;
    open.document.onReset(() => {
      replaced += 1;
    });
    const order = random.shuffled(frames);
    const cutAt = random.below(order.length + 1);
    for (const [i, frame] of [...order, undefined].entries()) {
      if (i === cutAt) cuts.set(bobId, cut);
      if (frame) await reader.room.receive([{ ...frame, position: i + 1 }]);
      await reader.room.idle();
      assert.ok(isWhole(open.doc));
    }
    assert.is(open.text(), expected, `round ${round}`);
    if (cutAt === order.length) assert.ok(replaced > 0);
    open.close();
    // And after a restart.
    const restarted = await testRoom(random, account, 3, { cuts, records: reader.records });
    const again = await openDoc(restarted, stream);
    assert.is(again.text(), expected);
    again.close();
  }
  for (const one of [a, b]) one!.close();
});

test('[SD13] foreign work that reaches the document does not leave, is reported and goes', async () => {
  const random = seeded(5);
  const account = await testAccount(random, 2);
  const stream = streamOf(account);
  const alice = await testRoom(random, account, 0);
  const open = await openDoc(alice, stream);
  open.doc.getText('t').insert(0, 'own');
  await stored(alice);
  const foreign = new Y.Doc();
  foreign.getText('t').insert(0, 'FOREIGN');
  Y.applyUpdate(open.doc, Y.encodeStateAsUpdate(foreign), 'another provider');
  assert.ok(open.text().includes('FOREIGN'));
  await alice.room.idle();
  await alice.room.idle();
  assert.equal(
    alice.evidence.map(({ code }) => code),
    ['FOREIGN_EDIT_DROPPED'],
  );
  assert.is(open.text(), 'own');
  open.doc.getText('t').insert(3, ' again');
  await stored(alice);
  const frames = await drain(alice);
  const bob = await testRoom(random, account, 1);
  await bob.room.receive(frames);
  const theirs = await openDoc(bob, stream);
  assert.is(theirs.text(), 'own again');
  assert.equal(bob.evidence, []);
  open.close();
  theirs.close();
});

test('[SD14] edits of one turn are one record; a value that no frame holds is refused, the next edits are not', async () => {
  const random = seeded(6);
  const account = await testAccount(random, 2);
  const alice = await testRoom(random, account, 0);
  const open = await openDoc(alice, streamOf(account));
  for (let i = 0; i < 100; i++) open.doc.getText('t').insert(i, 'x');
  await stored(alice);
  assert.is(alice.room.state.outbox.length, 1);
  open.doc.getMap('m').set('large', new Uint8Array(200_000));
  await alice.room.idle();
  await alice.room.idle();
  assert.equal(
    alice.evidence.map(({ code }) => code),
    ['FOREIGN_EDIT_DROPPED'],
  );
  assert.is(open.doc.getMap('m').size, 0);
  open.doc.getText('t').insert(100, 'y'.repeat(400_000));
  await stored(alice);
  const frames = await drain(alice);
  const bob = await testRoom(random, account, 1);
  await bob.room.receive(frames);
  const theirs = await openDoc(bob, streamOf(account));
  assert.is(theirs.text(), 'x'.repeat(100) + 'y'.repeat(400_000));
  open.close();
  theirs.close();
});

test('[SD14] what was edited and not sent is there after a restart, and leaves then', async () => {
  const random = seeded(8);
  const account = await testAccount(random, 2);
  const stream = streamOf(account);
  const before = await testRoom(random, account, 0);
  const open = await openDoc(before, stream);
  open.doc.getText('t').insert(0, 'before ');
  await stored(before);
  open.close();
  const alice = await testRoom(random, account, 0, { records: before.records });
  const again = await openDoc(alice, stream);
  assert.is(again.text(), 'before ');
  again.doc.getText('t').insert(7, 'and after');
  again.doc.getText('t').delete(0, 1);
  await stored(alice);
  const frames = await drain(alice);
  const bob = await testRoom(random, account, 1);
  await bob.room.receive(frames);
  const theirs = await openDoc(bob, stream);
  assert.is(theirs.text(), 'efore and after');
  again.close();
  theirs.close();
});

test('[SD16] whoever may write may delete and overwrite anything', async () => {
  const random = seeded(9);
  const account = await testAccount(random, 2);
  const stream = streamOf(account);
  const [alice, bob] = (await Promise.all([0, 1].map((i) => testRoom(random, account, i)))) as [
    TestRoom,
    TestRoom,
  ];
  const [a, b] = await Promise.all([alice, bob].map((room) => openDoc(room, stream)));
  a!.doc.getText('t').insert(0, "Alice's words");
  a!.doc.getMap('m').set('k', "Alice's");
  await stored(alice);
  await bob.room.receive(await drain(alice));
  b!.doc.getText('t').delete(0, 13);
  b!.doc.getMap('m').set('k', "Bob's");
  await stored(bob);
  await alice.room.receive(await drain(bob, { next: 9 }));
  assert.is(a!.text(), '');
  assert.is(a!.doc.getMap('m').get('k'), "Bob's");
  assert.equal(alice.evidence, []);
  for (const one of [a, b]) one!.close();
});

test('[SD17] what Yjs cannot take after all is left out with its bytes, and the document goes on', async () => {
  const random = seeded(10);
  const account = await testAccount(random, 2);
  const stream = streamOf(account);
  const [alice, bob] = (await Promise.all([0, 1].map((i) => testRoom(random, account, i)))) as [
    TestRoom,
    TestRoom,
  ];
  const [a, b] = await Promise.all([alice, bob].map((room) => openDoc(room, stream)));
  a!.doc.getText('t').insert(0, 'kept');
  await stored(alice);
  const position = { next: 1 };
  await bob.room.receive(await drain(alice, position));
  // Types in types, so deep that deleting the outermost runs out of stack: each update alone is legal.
  const own = a!.document.clientId;
  let clock = 4;
  for (let batch = 0; batch < 10; batch++) {
    const structs: Uint8Array[] = [];
    for (let i = 0; i < 2_000; i++, clock++)
      structs.push(
        clock === 4
          ? crafted(Uint8Array.of(0x27), 1, 'm', 'deep', 1)
          : crafted(Uint8Array.of(0x27), 0, own, clock - 1, 'k', 1),
      );
    alice.room.state.documents.submit(
      stream,
      crafted(1, structs.length, own, clock - structs.length, ...structs, 0),
    );
  }
  await stored(alice);
  alice.room.state.documents.submit(stream, crafted(0, 1, own, 1, 4, 1));
  await stored(alice);
  const hostile = await drain(alice, position);
  await bob.room.receive(hostile);
  assert.is(b!.text(), 'kept');
  const left = bob.evidence.filter(({ code }) => code === 'UPDATE_REFUSED');
  assert.ok(left.length > 0, 'Yjs took it: find something else that it cannot take');
  assert.ok(left.every(({ bytes }) => bytes && bytes.length > 0));
  assert.ok(isWhole(b!.doc));
  // It is written on as before.
  b!.doc.getText('t').insert(4, ' and on');
  await stored(bob);
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(b!.doc));
  assert.is(copy.getText('t').toString(), 'kept and on');
  for (const one of [a, b]) one!.close();
});

test('[SD17] what a watcher of the document throws reaches the program, and the document stays', async () => {
  const random = seeded(12);
  const account = await testAccount(random, 2);
  const stream = streamOf(account);
  const [alice, bob] = (await Promise.all([0, 1].map((i) => testRoom(random, account, i)))) as [
    TestRoom,
    TestRoom,
  ];
  const [a, b] = await Promise.all([alice, bob].map((room) => openDoc(room, stream)));
  const { doc } = b!;
  doc.getText('t').observe(() => {
    throw new Error('the program is at fault');
  });
  const thrown = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  a!.doc.getText('t').insert(0, 'text');
  await stored(alice);
  await bob.room.receive(await drain(alice));
  assert.is((await thrown).message, 'the program is at fault');
  assert.is(b!.doc, doc);
  assert.is(b!.text(), 'text');
  assert.equal(bob.evidence, []);
  for (const one of [a, b]) one!.close();
});

test('[SD18] a clientID stays, whatever comes in', async () => {
  const random = seeded(13);
  const account = await testAccount(random, 2);
  const alice = await testRoom(random, account, 0);
  const open = await openDoc(alice, streamOf(account));
  const before = open.doc.clientID;
  assert.is(before, open.document.clientId);
  assert.ok(before > 2 ** 32);
  Y.applyUpdate(open.doc, oneStruct(0, Uint8Array.of(4), 1, 't', 'x'), 'another provider');
  const own = new Y.Doc();
  own.clientID = before;
  own.getText('t').insert(0, 'as if own');
  Y.applyUpdate(open.doc, Y.encodeStateAsUpdate(own), 'another provider');
  assert.is(open.doc.clientID, before);
  await alice.room.idle();
  await alice.room.idle();
  assert.is(open.doc.clientID, before);
  assert.is.not(before, ALICE);
  open.close();
});

test.run();
