// The strict parser, payloads, joining of updates, entries, stamps and the timeline. Rules: spec/log-document.md.
import { LIMITS, pageIndex, pageStream, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { combineUpdates } from '../src/logdoc/combine.ts';
import { decodeEntry, encodeEntry } from '../src/logdoc/entries.ts';
import { parseUpdate, ROOT } from '../src/logdoc/parser.ts';
import { decodePayload, encodePayload } from '../src/logdoc/payload.ts';
import { createClock, stampMs } from '../src/logdoc/stamp.ts';
import { compareItems, createTimeline, timelineItem } from '../src/logdoc/timeline.ts';
import { seeded, writerDoc } from './support.ts';

const test = suite('log document');
const ALICE = 2 ** 52 + 12345;
const BOB = 2 ** 51 + 999;
const text = (value: string) => new TextEncoder().encode(value);

const refused = (update: Uint8Array, clientId = ALICE, clock = 0): string => {
  try {
    parseUpdate(update, clientId, clock);
  } catch (error) {
    assert.instance(error, SealwireError);
    assert.is((error as SealwireError).code, 'UPDATE_REFUSED');
    return (error as SealwireError).message;
  }
  throw new assert.Assertion({
    message: 'was accepted',
    details: '',
    generated: true,
    operator: 'is',
    expects: 'refused',
    actual: 'accepted',
  });
};

/** An update as bytes, of parts that a hostile device would choose freely. */
const crafted = (write: (out: encoding.Encoder) => void): Uint8Array => {
  const out = encoding.createEncoder();
  write(out);
  return encoding.toUint8Array(out);
};

test('what Yjs makes of entries and deletions is accepted', () => {
  const alice = writerDoc(ALICE);
  const first = alice.write(text('one'));
  alice.write(text('two'));
  alice.doc.transact(() => {
    alice.map.delete(first);
    alice.write(text('three'));
  });
  const parsed = alice.updates.map((update, i) => parseUpdate(update, ALICE, [0, 1, 2][i]!));
  assert.equal(
    parsed.flatMap(({ entries }) => entries.map(({ clock }) => clock)),
    [0, 1, 2],
  );
  assert.equal(parsed[2]!.deletions, [{ clientId: ALICE, clock: 0, length: 1 }]);
  assert.is(new TextDecoder().decode(parsed[1]!.entries[0]!.content), 'two');
});

test('[LD1] structs of others, of two clientIDs, or at another clock are refused', () => {
  const bob = writerDoc(BOB);
  bob.write(text('mine'));
  assert.match(refused(bob.updates[0]!), "not their author's");
  assert.match(refused(bob.updates[0]!, BOB, 1), 'does not continue');
  const alice = writerDoc(ALICE);
  Y.applyUpdate(alice.doc, bob.updates[0]!);
  alice.write(text('hers'));
  assert.match(refused(Y.encodeStateAsUpdate(alice.doc)), 'more than one author');
});

test('[LD2] an overwritten key, which does not even name its victim, is refused', () => {
  const bob = writerDoc(BOB);
  const victim = bob.write(text('the original'));
  const alice = writerDoc(ALICE);
  Y.applyUpdate(alice.doc, bob.updates[0]!);
  alice.updates.length = 0;
  alice.map.set(victim, text('replaced'));
  assert.match(refused(alice.updates[0]!), 'no entry');
});

test('[LD2] an overwrite with its delete set stripped is refused', () => {
  const bob = writerDoc(BOB);
  const victim = bob.write(text('the original'));
  const alice = writerDoc(ALICE);
  Y.applyUpdate(alice.doc, bob.updates[0]!);
  alice.updates.length = 0;
  alice.map.set(victim, text('replaced'));
  const whole = alice.updates[0]!;
  const { ds } = Y.decodeUpdate(whole);
  assert.is(ds.clients.size, 1);
  const tail = crafted((out) => {
    encoding.writeVarUint(out, 1);
    encoding.writeVarUint(out, BOB);
    for (const value of [1, 0, 1]) encoding.writeVarUint(out, value);
  });
  const stripped = Uint8Array.from([...whole.subarray(0, whole.length - tail.length), 0]);
  assert.is(Y.decodeUpdate(stripped).ds.clients.size, 0);
  refused(stripped);
});

test("[LD2] a first write under another's key is refused", () => {
  const alice = writerDoc(ALICE);
  alice.map.set(`${BOB}:0`, text('as if by Bob'));
  assert.match(refused(alice.updates[0]!), 'not its own');
});

test('[LD2] other types, roots, content and garbage-collected structs are refused', () => {
  const makers: ((doc: Y.Doc) => void)[] = [
    (doc) => doc.getMap(ROOT).set(`${ALICE}:0`, 'a string'),
    (doc) => doc.getMap(ROOT).set(`${ALICE}:0`, new Y.Map()),
    (doc) => doc.getMap(ROOT).set(`${ALICE}:0`, new Y.Doc()),
    (doc) => doc.getMap('other').set(`${ALICE}:0`, text('x')),
    (doc) => doc.getArray(ROOT).push([text('x')]),
    (doc) => doc.getText(ROOT).insert(0, 'text'),
    (doc) => doc.getXmlFragment(ROOT).push([new Y.XmlElement('p')]),
  ];
  for (const make of makers) {
    const doc = new Y.Doc();
    doc.clientID = ALICE;
    make(doc);
    refused(Y.encodeStateAsUpdate(doc));
  }
  const gc = crafted((out) => {
    for (const value of [1, 1, ALICE, 0]) encoding.writeVarUint(out, value);
    encoding.writeUint8(out, 0);
    for (const value of [5, 0]) encoding.writeVarUint(out, value);
  });
  assert.match(refused(gc), 'no entry');
});

const entryStruct = (out: encoding.Encoder, clock: number, ref: number, write: () => void): void => {
  encoding.writeUint8(out, 0x20 | ref);
  encoding.writeVarUint(out, 1);
  encoding.writeVarString(out, ROOT);
  encoding.writeVarString(out, `${ALICE}:${clock}`);
  write();
};

test('[LD2] the zero-length deleted content that poisons a document for ever is refused', () => {
  const poison = crafted((out) => {
    for (const value of [1, 1, ALICE, 0]) encoding.writeVarUint(out, value);
    entryStruct(out, 0, 1, () => encoding.writeVarUint(out, 0));
    encoding.writeVarUint(out, 0);
  });
  assert.match(refused(poison), 'another length');
});

test('[LD2] thousands of structs with unknown origins are refused at the first', () => {
  const flood = crafted((out) => {
    for (const value of [1, 4000, ALICE, 0]) encoding.writeVarUint(out, value);
    for (let i = 0; i < 4000; i++) {
      encoding.writeUint8(out, 0x80 | 4);
      for (const value of [BOB, i]) encoding.writeVarUint(out, value);
      encoding.writeVarString(out, 'x');
    }
    encoding.writeVarUint(out, 0);
  });
  assert.match(refused(flood), 'no entry');
});

test('[LD3] an entry that is empty or too large is refused', () => {
  const alice = writerDoc(ALICE);
  alice.write(new Uint8Array(0));
  assert.match(refused(alice.updates[0]!), 'empty or too large');
  const long = writerDoc(ALICE);
  long.write(new Uint8Array(LIMITS.entryBytes + 1));
  assert.match(refused(long.updates[0]!), 'empty or too large');
  const whole = writerDoc(ALICE);
  whole.write(new Uint8Array(LIMITS.entryBytes).fill(1));
  assert.is(parseUpdate(whole.updates[0]!, ALICE, 0).entries.length, 1);
});

test('[LD6] padded numbers, cut and trailing bytes are refused', () => {
  const alice = writerDoc(ALICE);
  alice.write(text('entry'));
  const update = alice.updates[0]!;
  for (let length = 0; length < update.length; length++) refused(update.subarray(0, length));
  assert.match(refused(Uint8Array.from([...update, 0])), 'after its end');
  assert.match(refused(Uint8Array.from([0x81, 0x00, ...update.subarray(1)])), 'shortest form');
});

test('[LD7] random and mutated updates give a result or a refusal, and Yjs takes what is accepted whole', () => {
  const random = seeded(7);
  const runs = process.env.SEALWIRE_SLOW === '1' ? 100_000 : 20_000;
  const alice = writerDoc(ALICE);
  for (let i = 0; i < 20; i++) alice.write(random.bytes(1 + random.below(40)));
  alice.doc.transact(() => alice.map.delete(`${ALICE}:3`));
  const originals = [Y.encodeStateAsUpdate(alice.doc), ...alice.updates];
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    const bytes = originals[random.below(originals.length)]!.slice();
    for (let i = random.below(4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
    const input = random.below(10) === 0 ? random.bytes(random.below(60)) : bytes;
    try {
      const parsed = parseUpdate(input, ALICE, 0);
      accepted += 1;
      if (
        parsed.deletions.some(
          ({ clientId, clock, length }) => clientId !== ALICE || clock + length > parsed.entries.length,
        )
      )
        continue; // Such a frame waits: it is not applied.
      const doc = new Y.Doc();
      Y.applyUpdate(doc, input);
      assert.is(Y.getState(doc.store, ALICE), parsed.entries.length);
      assert.is(doc.store.pendingStructs, null);
      assert.is(doc.store.pendingDs, null);
    } catch (error) {
      assert.instance(error, SealwireError, String(error));
    }
  }
  assert.ok(accepted > runs / 100, `only ${accepted} of ${runs} were accepted`);
});

test('[LD8] bytes that are no known entry decode to nothing', () => {
  const random = seeded(8);
  for (const value of [
    '',
    '{',
    'null',
    '[]',
    '{"k":"m"}',
    '{"k":"m","t":-1,"x":""}',
    '{"k":"m","t":1}',
    '{"k":"toString","t":1}',
    '{"k":"__proto__","t":1}',
    '{"k":"m","t":1,"x":"a","o":{"n":1}}',
  ])
    assert.is(decodeEntry(text(value)), undefined, value);
  for (let i = 0; i < 2000; i++) decodeEntry(random.bytes(random.below(50)));
  const entry = { k: 'm', t: 1024, x: 'hello', o: { n: 'Ada', s: 5, a: 'WhatsApp' } } as const;
  assert.equal(decodeEntry(encodeEntry(entry)), entry);
});

test('[LD9] one order for all: time, stamp, id, whatever the order of arrival', () => {
  const random = seeded(9);
  const items = Array.from({ length: 300 }, (_, i) => {
    const t = 1024 * random.below(50) + random.below(3);
    const imported = random.below(4) === 0;
    return timelineItem(`${1 + random.below(5)}:${i}`, {
      k: 'm',
      t,
      x: '',
      ...(imported && { o: { n: 'x', s: random.below(50), a: 'y' } }),
    });
  });
  const expected = [...items].sort(compareItems).map(({ id }) => id);
  for (let round = 0; round < 20; round++) {
    const timeline = createTimeline();
    for (const item of random.shuffled(items)) {
      timeline.add(item);
      if (random.below(5) === 0) timeline.items();
    }
    assert.equal(
      timeline.items().map(({ id }) => id),
      expected,
    );
  }
});

test('[LD10] stamps rise above all that was heard, but not above one that is far ahead', () => {
  let now = 1_000_000;
  const clock = createClock(() => now);
  const first = clock.next();
  assert.is(stampMs(first), now);
  assert.ok(clock.hear(first + 5000));
  assert.ok(clock.next() > first + 5000);
  const year = 365 * 86_400_000;
  assert.not(clock.hear((now + year) * 1024));
  assert.ok(stampMs(clock.next()) < now + LIMITS.clockAheadMs);
  now -= year;
  assert.ok(clock.next() > first + 5000);
});

test('[LD12] joining has the effect of applying one by one, in any interleaving of authors', () => {
  const random = seeded(12);
  for (let round = 0; round < 100; round++) {
    const writers = [ALICE, BOB, 77].map(writerDoc);
    for (let i = 0; i < 40; i++) {
      const writer = writers[random.below(3)]!;
      writer.doc.transact(() => {
        for (let j = random.below(3); j >= 0; j--) writer.write(random.bytes(1 + random.below(20)));
        const keys = [...writer.map.keys()];
        if (random.below(4) === 0) writer.map.delete(keys[random.below(keys.length)]!);
      });
    }
    const accepted = writers.map(({ updates, doc }) => {
      let clock = 0;
      return updates.map((bytes) => {
        const update = parseUpdate(bytes, doc.clientID, clock);
        clock += update.entries.length;
        return { bytes, update };
      });
    });
    const order = random.shuffled(accepted.flatMap((list, i) => list.map(() => i)));
    const interleaved = order.map((i) => accepted[i]!.shift()!);
    const joined = new Y.Doc();
    Y.applyUpdate(joined, combineUpdates(interleaved.map(({ update }) => update)));
    const lean = new Y.Doc();
    const framed = writers.map(({ doc: { clientID } }) => {
      const own = interleaved.flatMap(({ update }) => (update.clientId === clientID ? [update] : []));
      return decodePayload(encodePayload(own), clientID, 0);
    });
    Y.applyUpdate(lean, combineUpdates(framed));
    const twin = new Y.Doc();
    for (const { bytes } of interleaved) Y.applyUpdate(twin, bytes);
    for (const doc of [joined, lean]) {
      assert.equal(doc.getMap(ROOT).toJSON(), twin.getMap(ROOT).toJSON());
      assert.equal(Y.encodeStateVector(doc), Y.encodeStateVector(twin));
    }
  }
});

test('[FR17] what the updates themselves delete is joined without its content', () => {
  const alice = writerDoc(ALICE);
  const secret = text('a secret that was deleted at once');
  const id = alice.write(secret);
  alice.write(text('kept'));
  alice.map.delete(id);
  const updates = alice.updates.map((bytes, i) => parseUpdate(bytes, ALICE, [0, 1, 2][i]!));
  const whole = encodePayload(updates.slice(0, 2));
  const lean = encodePayload(updates);
  assert.ok(Buffer.from(whole).includes(Buffer.from(secret)));
  assert.not(Buffer.from(lean).includes(Buffer.from(secret)));
  assert.equal(
    decodePayload(lean, ALICE, 0).entries.map(({ content }) => content && [...content]),
    [undefined, [...text('kept')]],
  );
});

test('[LD14] page labels are canonical', () => {
  assert.is(pageStream(0), 'page-0');
  assert.is(pageStream(41), 'page-41');
  assert.is(pageIndex('page-41'), 41);
  for (const label of ['page-', 'page-041', 'page--1', 'control', 'page-1x'])
    assert.is(pageIndex(label), undefined);
  assert.throws(() => pageStream(-1), /whole number/);
});

test.run();
