// What leaves of own edits of a shared document: joined, cut, without what was deleted; beside plain Yjs. Rules:
// spec/shared-document.md §3.
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { combineDocuments } from '../src/shareddoc/combine.ts';
import { joinDocuments } from '../src/shareddoc/join.ts';
import { parseDocument } from '../src/shareddoc/parser.ts';
import { ALICE, BOB, contentOf, editAnything } from './shared-kit.ts';
import { seeded } from './support.ts';

const test = suite('joining edits of a shared document');

const docOf = (clientId: number) => {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'remote') updates.push(update);
  });
  return { doc, updates };
};

/** @param at - the clock of the first. */
const join = (updates: readonly Uint8Array[], at = 0, maxBytes?: number): Uint8Array[] => {
  const joined = joinDocuments(updates, ALICE, maxBytes);
  let clock = at;
  for (const bytes of joined) clock += parseDocument(bytes, ALICE, clock).clocks;
  return joined;
};

const applied = (...updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
};

const holds = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text);

test('[SD14] what is typed one by one leaves as one struct', () => {
  const { doc, updates } = docOf(ALICE);
  for (const [i, letter] of [...'typed one by one'].entries()) doc.getText('t').insert(i, letter);
  const [joined, ...more] = join(updates);
  assert.is(more.length, 0);
  assert.is(parseDocument(joined!, ALICE, 0).count, 1);
  assert.is(applied(joined!).getText('t').toString(), 'typed one by one');
});

test('[SD14] joined edits do what they do one by one, beside edits of others that come in between', () => {
  let structs = 0;
  let joinedStructs = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const alice = docOf(ALICE);
    const bob = docOf(BOB);
    const plain = new Y.Doc();
    const ours = new Y.Doc();
    for (let turn = 0; turn < 6; turn++) {
      const sent = { a: alice.updates.length, b: bob.updates.length };
      for (let i = 1 + random.below(12); i > 0; i--) editAnything(alice.doc, random, Y);
      for (let i = random.below(4); i > 0; i--) editAnything(bob.doc, random, Y);
      const fresh = alice.updates.slice(sent.a);
      const theirs = bob.updates.slice(sent.b);
      const clock = Y.getState(plain.store, ALICE);
      const joined =
        fresh.length === 0 ? [] : join(fresh, clock, random.pick([LIMITS.documentBytes, 200, 400]));
      for (const bytes of fresh) structs += parseDocument(bytes, ALICE, undefined).count;
      for (const bytes of joined) joinedStructs += parseDocument(bytes, ALICE, undefined).count;
      const [first, second] = random.pick([
        [fresh, theirs],
        [theirs, fresh],
      ]);
      for (const update of [...first, ...second]) Y.applyUpdate(plain, update);
      for (const update of first === fresh ? [...joined, ...theirs] : [...theirs, ...joined])
        Y.applyUpdate(ours, update);
      assert.equal(contentOf(ours), contentOf(plain), `seed ${seed}, turn ${turn}`);
      assert.equal(Y.encodeStateVector(ours), Y.encodeStateVector(plain));
      for (const update of theirs) Y.applyUpdate(alice.doc, update, 'remote');
      for (const update of joined) Y.applyUpdate(bob.doc, update, 'remote');
      assert.equal(contentOf(bob.doc), contentOf(alice.doc), `seed ${seed}, turn ${turn}: edited on`);
    }
  }
  assert.ok(structs > 1_000 && joinedStructs > 1_000, `${joinedStructs} of ${structs}`);
});

test('[SD14] a text that no frame holds is cut, and never between the halves of a pair', () => {
  for (const long of ['x'.repeat(1_000_000), '😀ä'.repeat(150_000), `a${'😀'.repeat(100_000)}`]) {
    const { doc, updates } = docOf(ALICE);
    doc.getText('t').insert(0, 'around');
    doc.getText('t').insert(3, long);
    const joined = join(updates);
    assert.ok(joined.length > 2);
    assert.ok(joined.every(({ length }) => length <= LIMITS.documentBytes));
    assert.is(
      applied(...joined)
        .getText('t')
        .toString(),
      `aro${long}und`,
    );
  }
});

test('[SD14] many deletions are spread over updates that frames hold', () => {
  const { doc, updates } = docOf(ALICE);
  const text = doc.getText('t');
  text.insert(0, '0123456789'.repeat(5_000));
  const before = updates.length;
  doc.transact(() => {
    for (let at = 49_998; at >= 0; at -= 2) text.delete(at, 1);
  });
  const joined = join(updates.slice(before), 50_000);
  assert.ok(joined.length > 1);
  assert.is(
    applied(...updates.slice(0, before), ...joined)
      .getText('t')
      .toString(),
    text.toString(),
  );
});

test('[SD15] what was deleted before it left does not leave', () => {
  const { doc, updates } = docOf(ALICE);
  const text = doc.getText('t');
  text.insert(0, 'keep SECRET keep');
  text.delete(5, 6);
  doc.getMap('m').set('k', 'OVERWRITTEN');
  doc.getMap('m').set('k', 'newest');
  const nested = new Y.Text('INSIDE');
  doc.getArray('a').insert(0, [nested]);
  doc.getArray('a').delete(0, 1);
  const joined = join(updates);
  for (const word of ['SECRET', 'OVERWRITTEN', 'INSIDE'])
    for (const bytes of joined) assert.not(holds(bytes, word), word);
  assert.ok(joined.some((bytes) => holds(bytes, 'newest')));
  const copy = applied(...joined);
  assert.equal(contentOf(copy), contentOf(doc));
  text.insert(5, 'on');
  Y.applyUpdate(copy, updates.at(-1)!);
  assert.equal(contentOf(copy), contentOf(doc));
});

test('[SD9, SD11] updates that come together do as one what they do one by one', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const people = [docOf(ALICE), docOf(BOB), docOf(BOB + 1)];
    const log: { clientId: number; bytes: Uint8Array }[] = [];
    for (let i = 0; i < 80; i++) {
      const person = random.pick(people);
      const before = person.updates.length;
      editAnything(person.doc, random, Y);
      for (const bytes of person.updates.slice(before)) {
        log.push({ clientId: person.doc.clientID, bytes });
        if (random.below(2) === 0)
          for (const other of people)
            for (const { bytes: one } of log) Y.applyUpdate(other.doc, one, 'remote');
      }
    }
    const plain = applied(...log.map(({ bytes }) => bytes));
    const ours = new Y.Doc();
    const parsed = log.map(({ clientId, bytes }) => parseDocument(bytes, clientId, undefined));
    for (let at = 0; at < parsed.length; ) {
      const some = parsed.slice(at, at + 1 + random.below(20));
      at += some.length;
      const { update, rest } = combineDocuments(some, (client) => Y.getState(ours.store, client));
      assert.is(rest.length, 0);
      Y.applyUpdate(ours, update);
      assert.is(ours.store.pendingStructs, null);
      assert.is(ours.store.pendingDs, null);
    }
    assert.equal(contentOf(ours), contentOf(plain), `seed ${seed}`);
    // What comes twice is taken once, also in another cut.
    const again = combineDocuments([parsed[0]!, ...parsed], () => 0);
    assert.equal(contentOf(applied(again.update, ...again.rest.map(({ bytes }) => bytes))), contentOf(plain));
  }
});

test.run();
