// Accepted updates reach a document as if Yjs had read them itself. Rules: spec/log-document.md §4.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { applyUpdates } from '../src/logdoc/apply.ts';
import { combineUpdates } from '../src/logdoc/combine.ts';
import { parseUpdate, ROOT } from '../src/logdoc/parser.ts';
import { seeded, writerDoc } from './support.ts';

const test = suite('apply');
const ALICE = 2 ** 52 + 12345;

/** Entries of many lengths, some deleted again, each update by itself. */
const written = () => {
  const random = seeded(77);
  const alice = writerDoc(ALICE);
  const ids: string[] = [];
  for (let i = 0; i < 120; i++)
    if (i % 7 === 6) alice.doc.transact(() => alice.map.delete(ids[i % ids.length]!));
    else ids.push(alice.write(random.bytes(1 + i * 3)));
  let clock = 0;
  const parsed = alice.updates.map((bytes) => {
    const update = parseUpdate(bytes, ALICE, clock);
    clock += update.entries.length;
    return update;
  });
  return { bytes: alice.updates, parsed };
};

test('[LD12] what is read without copying makes the document that Yjs makes', () => {
  const { parsed } = written();
  const ours = new Y.Doc();
  const theirs = new Y.Doc();
  for (const part of [parsed.slice(0, 50), parsed.slice(50)]) {
    applyUpdates(ours, part, 'origin');
    Y.applyUpdate(theirs, combineUpdates(part));
  }
  assert.equal(Y.encodeStateAsUpdate(ours), Y.encodeStateAsUpdate(theirs));
  assert.equal(ours.getMap(ROOT).toJSON(), theirs.getMap(ROOT).toJSON());
  assert.ok(ours.getMap(ROOT).size > 80);
});

test('[LD12] what comes twice, as own edits and in the frame that they went into, counts once', () => {
  const { bytes, parsed } = written();
  const frame = parseUpdate(combineUpdates(parsed), ALICE, 0);
  const theirs = new Y.Doc();
  for (const update of bytes) Y.applyUpdate(theirs, update);
  for (const edits of [parsed.slice(0, 40), parsed]) {
    for (const order of [
      [...edits, frame],
      [frame, ...edits],
    ]) {
      const ours = new Y.Doc();
      applyUpdates(ours, order, 'origin');
      assert.equal(Y.encodeStateVector(ours), Y.encodeStateVector(theirs));
      assert.equal(ours.getMap(ROOT).toJSON(), theirs.getMap(ROOT).toJSON());
      assert.is(ours.store.pendingStructs, null);
    }
  }
});

test('entries stay what they are when the updates that brought them are written over', () => {
  const { bytes, parsed } = written();
  const doc = new Y.Doc();
  applyUpdates(doc, parsed, 'origin');
  const before = Y.encodeStateAsUpdate(doc);
  for (const update of bytes) update.fill(0);
  assert.equal(Y.encodeStateAsUpdate(doc), before);
});

test('all come in one transaction, of the origin that was named', () => {
  const doc = new Y.Doc();
  const origins: unknown[] = [];
  doc.on('afterTransaction', ({ origin }: Y.Transaction) => origins.push(origin));
  applyUpdates(doc, written().parsed, 'origin');
  assert.equal(origins, ['origin']);
});

test.run();
