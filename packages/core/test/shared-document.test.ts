// What an update of a shared document may hold: every attack, and what bindings really make. Rules:
// spec/shared-document.md §1 and §2.
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { documentStream, isDocumentStream } from '../src/shareddoc/name.ts';
import { parseDocument } from '../src/shareddoc/parser.ts';
import { ALICE, BOB, contentOf, crafted, editAnything, oneStruct, throws } from './shared-kit.ts';
import { seeded } from './support.ts';

const test = suite('shared document');

const refused = (update: Uint8Array, clock = 0): string =>
  throws(() => parseDocument(update, ALICE, clock), 'UPDATE_REFUSED');

const docOf = (clientId: number): { doc: Y.Doc; updates: Uint8Array[] } => {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  return { doc, updates };
};

/** A struct in the root map `m` under the key `k`. */
const keyed = (kind: number, ...content: readonly (number | string | Uint8Array)[]): Uint8Array =>
  oneStruct(0, Uint8Array.of(0x20 | kind), 1, 'm', 'k', ...content);

test('[SD1] a name and a chat give one stream, which tells nothing of either', () => {
  const chat = new Uint8Array(32).fill(1);
  const stream = documentStream(chat, 'notes');
  assert.match(stream, /^doc-[0-9a-f]{28}$/);
  assert.is(stream, documentStream(chat.slice(), 'notes'));
  assert.is.not(stream, documentStream(chat, 'Notes'));
  assert.is.not(stream, documentStream(new Uint8Array(32), 'notes'));
  assert.ok(isDocumentStream(stream));
  for (const label of ['page-0', 'control', 'doc-notes', `${stream}0`, stream.toUpperCase()])
    assert.not(isDocumentStream(label));
});

test('[SD4, SD5, SD6, SD7, SD8, SD9] whatever bindings make is accepted, clock by clock', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const { doc, updates } = docOf(ALICE);
    for (let i = 0; i < 60; i++) doc.transact(() => editAnything(doc, random, Y));
    let clock = 0;
    for (const update of updates) clock += parseDocument(update, ALICE, clock).clocks;
    assert.is(clock, Y.getState(doc.store, ALICE), `seed ${seed}`);
    const whole = parseDocument(Y.encodeStateAsUpdate(doc), ALICE, 0);
    assert.is(whole.clocks, clock);
  }
});

test('[SD4] structs of others, of two clientIDs, at another clock or of no end are refused', () => {
  const bob = docOf(BOB);
  bob.doc.getText('t').insert(0, 'mine');
  assert.match(refused(bob.updates[0]!), "not their author's");
  const alice = docOf(ALICE);
  Y.applyUpdate(alice.doc, bob.updates[0]!);
  alice.updates.length = 0;
  alice.doc.getText('t').insert(0, 'x');
  assert.is(parseDocument(alice.updates[0]!, ALICE, 0).references.get(BOB), 0);
  assert.match(refused(alice.updates[0]!, 1), 'does not continue');
  assert.match(refused(Y.encodeStateAsUpdate(alice.doc)), 'more than one author');
  assert.match(refused(oneStruct(2 ** 53 - 2, Uint8Array.of(0), 5), 2 ** 53 - 2), 'out of range');
  const large = docOf(ALICE);
  large.doc.getText('t').insert(0, 'x'.repeat(LIMITS.documentBytes));
  assert.match(refused(large.updates[0]!), 'more bytes');
});

test('[SD5] a struct of no length, which poisons a document for ever, is refused in every kind', () => {
  const none = [oneStruct(0, Uint8Array.of(0), 0), keyed(1, 0), keyed(2, 0), keyed(4, ''), keyed(8, 0)];
  for (const update of none) assert.match(refused(update), 'no length');
  // What Yjs does with the shortest of them: it takes it, and nobody can read the document again.
  const victim = new Y.Doc();
  assert.throws(() => {
    Y.applyUpdate(victim, keyed(1, 0));
    Y.applyUpdate(new Y.Doc(), Y.encodeStateAsUpdate(victim));
  });
});

test('[SD5] gaps, subdocuments, unknown kinds and types are refused', () => {
  const doc = docOf(ALICE);
  doc.doc.getMap('m').set('k', new Y.Doc());
  assert.match(refused(doc.updates[0]!), 'subdocument');
  assert.match(refused(oneStruct(0, Uint8Array.of(10), 3)), 'a gap');
  for (let kind = 9; kind < 32; kind++) refused(keyed(kind, 1, 1, 1, 1));
  assert.match(refused(keyed(7, 7)), 'type');
  assert.match(refused(oneStruct(0, Uint8Array.of(0x20), 1)), 'unknown kind');
  assert.match(refused(oneStruct(0, Uint8Array.of(4), 2, 't', 'x')), 'parent');
});

test('[SD6] what lib0 or JSON cannot read, or Yjs could not write again, is refused', () => {
  const broken = Uint8Array.of(2, 0xc3, 0x28);
  assert.match(refused(keyed(4, broken)), 'UTF-8');
  assert.match(refused(keyed(5, '{')), 'no JSON');
  assert.match(refused(keyed(5, '')), 'no JSON');
  assert.match(refused(keyed(6, 'bold', 'tru')), 'no JSON');
  assert.match(refused(keyed(2, 1, 'undef')), 'no JSON');
  assert.ok(parseDocument(keyed(2, 2, 'undefined', '{"a":1}'), ALICE, 0));
  assert.match(refused(keyed(8, 1, Uint8Array.of(115))), 'unknown kind');
  assert.match(refused(keyed(8, 1, Uint8Array.of(125, 255, 255, 255, 255, 255, 255, 255, 127))), 'range');
  assert.match(refused(keyed(8, 1, Uint8Array.of(118), 1, '__proto__', Uint8Array.of(126))), 'no key');
  const nested = (levels: number, open: number[], inner: number): Uint8Array =>
    Uint8Array.from([...Array.from({ length: levels }, () => open).flat(), inner]);
  const { documentDepth } = LIMITS;
  assert.ok(parseDocument(keyed(8, 1, nested(documentDepth, [117, 1], 126)), ALICE, 0));
  assert.match(refused(keyed(8, 1, nested(documentDepth + 1, [117, 1], 126))), 'too deeply');
  assert.match(refused(keyed(8, 1, nested(60_000, [117, 1], 126))), 'too deeply');
  assert.match(refused(keyed(8, 1, nested(20_000, [118, 1, 1, 107], 126))), 'too deeply');
  const json = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.ok(parseDocument(keyed(5, json(documentDepth)), ALICE, 0));
  assert.match(refused(keyed(5, json(documentDepth + 1))), 'too deeply');
  assert.match(refused(keyed(5, json(60_000))), 'too deeply');
});

test('[SD7] what refers to itself or to a later clock of its author is refused', () => {
  for (const clock of [5, 6, 1000]) {
    assert.match(refused(oneStruct(5, Uint8Array.of(0x84), ALICE, clock, 'x'), 5), 'itself');
    assert.match(refused(oneStruct(5, Uint8Array.of(0x44), ALICE, clock, 'x'), 5), 'itself');
    assert.match(refused(oneStruct(5, Uint8Array.of(4), 0, ALICE, clock, 'x'), 5), 'itself');
  }
  assert.ok(parseDocument(oneStruct(5, Uint8Array.of(0x84), ALICE, 4, 'x'), ALICE, 5));
});

test('[SD8] deletions out of order, overlapping, empty or of the future are refused', () => {
  const deletes = (...ds: readonly number[]): Uint8Array => crafted(0, ...ds);
  assert.ok(parseDocument(deletes(2, ALICE, 2, 0, 1, 1, 1, BOB, 1, 7, 9), ALICE, 2));
  assert.match(refused(deletes(2, BOB, 1, 0, 1, ALICE, 1, 0, 1), 9), 'out of order');
  assert.match(refused(deletes(2, BOB, 1, 0, 1, BOB, 1, 3, 1), 9), 'out of order');
  assert.match(refused(deletes(1, BOB, 0), 9), 'empty');
  assert.match(refused(deletes(1, BOB, 1, 4, 0), 9), 'out of range');
  assert.match(refused(deletes(1, BOB, 1, 2 ** 53 - 2, 5), 9), 'out of range');
  assert.match(refused(deletes(1, BOB, 2, 0, 5, 4, 2), 9), 'overlap');
  assert.match(refused(deletes(1, ALICE, 1, 8, 2), 9), 'not written');
});

test('[SD9] every prefix, every longer spelling and every changed byte gives a result or a refusal', () => {
  const random = seeded(7);
  const { doc, updates } = docOf(ALICE);
  for (let i = 0; i < 120; i++) doc.transact(() => editAnything(doc, random, Y));
  let accepted = 0;
  let clock = 0;
  for (const update of updates) {
    for (let end = 0; end < update.length; end++) refused(update.subarray(0, end), clock);
    refused(Uint8Array.from([...update, 0]), clock);
    for (let i = 0; i < 20; i++) {
      const changed = update.slice();
      changed[random.below(changed.length)] = random.below(256);
      try {
        parseDocument(changed, ALICE, clock);
        accepted += 1;
      } catch (error) {
        assert.is((error as { code?: string }).code, 'UPDATE_REFUSED', String(error));
      }
    }
    clock += parseDocument(update, ALICE, clock).clocks;
  }
  assert.ok(accepted > 0);
  assert.match(refused(crafted(0, 0)), 'nothing to say');
});

test('[SD9] what is accepted after a change, Yjs takes too, and leaves nothing waiting', () => {
  let taken = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed);
    const { doc, updates } = docOf(ALICE);
    for (let i = 0; i < 40; i++) doc.transact(() => editAnything(doc, random, Y));
    for (let round = 0; round < 60; round++) {
      const copy = new Y.Doc();
      let clock = 0;
      const hit = random.below(updates.length);
      for (const [i, update] of updates.entries()) {
        const bytes = update.slice();
        if (i === hit) bytes[random.below(bytes.length)] = random.below(256);
        let parsed: ReturnType<typeof parseDocument>;
        try {
          parsed = parseDocument(bytes, ALICE, clock);
        } catch {
          break;
        }
        if (parsed.references.size > 0 || parsed.deletions.some(({ clientId }) => clientId !== ALICE)) break;
        Y.applyUpdate(copy, bytes);
        if (i === hit) taken += 1;
        clock += parsed.clocks;
        assert.is(Y.getState(copy.store, ALICE), clock);
        assert.is(copy.store.pendingStructs, null);
        assert.is(copy.store.pendingDs, null);
      }
      const again = new Y.Doc();
      Y.applyUpdate(again, Y.encodeStateAsUpdate(copy));
      assert.equal(contentOf(again), contentOf(copy));
    }
  }
  assert.ok(taken > 20, `only ${taken} changed updates were taken`);
});

test.run();
