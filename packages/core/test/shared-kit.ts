// What the tests of shared documents share: crafted updates, rooms with a document open, and a plain Yjs beside them.
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import type * as Y from 'yjs';
import { attachDocument } from '../src/shareddoc/attach.ts';
import type { SharedDocument } from '../src/shareddoc/document.ts';
import { documentStream } from '../src/shareddoc/name.ts';
import type { TestAccount, TestRoom } from './room-support.ts';
import type { Seeded } from './support.ts';

export const ALICE = 2 ** 52 + 12345;
export const BOB = 2 ** 51 + 999;

export const streamOf = (account: TestAccount, name = 'notes'): string =>
  documentStream(account.log.root, name);

/** Bytes of parts that a hostile device would choose freely. */
export const crafted = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array => {
  const out = encoding.createEncoder();
  for (const part of parts)
    if (typeof part === 'number') encoding.writeVarUint(out, part);
    else if (typeof part === 'string') encoding.writeVarString(out, part);
    else encoding.writeUint8Array(out, part);
  return encoding.toUint8Array(out);
};

/** An update of one struct of Alice's: its bytes behind the clock. */
export const oneStruct = (clock: number, ...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  crafted(1, 1, ALICE, clock, ...parts, 0);

export interface OpenDoc {
  readonly document: SharedDocument;
  readonly doc: Y.Doc;
  text(): string;
  close(): void;
}

/** Opens a document of a room as a device does. Resolves when every edit is heard. */
export const openDoc = async ({ room }: TestRoom, stream: string): Promise<OpenDoc> => {
  const document = room.state.documents.open(stream);
  let attached = attachDocument(room, document, undefined);
  document.onReset(() => {
    const before = attached;
    attached = attachDocument(room, document, before.awareness);
    before.end();
  });
  await attached.synced;
  return {
    document,
    get doc() {
      return document.doc;
    },
    text: () => document.doc.getText('t').toString(),
    close() {
      attached.end();
      room.state.documents.close(stream);
    },
  };
};

/** One edit of a kind that bindings make, somewhere. No surrogate pairs: Yjs breaks one in two where nobody else sees it. */
export const editAnything = (doc: Y.Doc, random: Seeded, Yjs: typeof Y): void => {
  const text = doc.getText('t');
  const map = doc.getMap<unknown>('m');
  const array = doc.getArray<unknown>('a');
  const xml = doc.getXmlFragment('x');
  const at = random.below(text.length + 1);
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      text.insert(at, random.pick(['a', 'word ', 'ä', '字', 'a longer piece of text']));
      break;
    case 3:
    case 4:
      text.delete(
        Math.min(at, Math.max(0, text.length - 1)),
        Math.min(text.length, 1 + random.below(4), text.length - at) || 0,
      );
      break;
    case 5:
      if (text.length > 0) text.format(Math.min(at, text.length - 1), 1, { bold: random.pick([true, null]) });
      break;
    case 6:
      text.insertEmbed(at, { image: 'x', size: [1, { y: 2 }] });
      break;
    case 7:
      map.set(
        random.pick(['k', 'l', 'm']),
        random.pick([1, -70, 2 ** 40, 1.5, 'text', null, true, { deep: [1] }]),
      );
      break;
    case 8:
      map.delete(random.pick(['k', 'l', 'm']));
      break;
    case 9:
      array.insert(random.below(array.length + 1), [
        random.pick([
          1,
          'two',
          Uint8Array.of(1, 2, 3),
          new Yjs.Map([['in', 1]]),
          new Yjs.Text('inner'),
        ]) as unknown,
        'beside',
      ]);
      break;
    case 10:
      if (array.length > 0) array.delete(random.below(array.length), 1);
      break;
    default: {
      const element = new Yjs.XmlElement('p');
      xml.insert(random.below(xml.length + 1), [element]);
      element.setAttribute('class', 'c');
      element.insert(0, [new Yjs.XmlText('inside')]);
    }
  }
};

/** All that is seen of a document. */
export const contentOf = (doc: Y.Doc): unknown => ({
  text: doc.getText('t').toDelta(),
  map: doc.getMap('m').toJSON(),
  array: JSON.stringify(doc.getArray('a').toJSON()),
  xml: doc.getXmlFragment('x').toString(),
});

/** Nothing waits in Yjs. */
export const isWhole = (doc: Y.Doc): boolean =>
  doc.store.pendingStructs === null && doc.store.pendingDs === null;

export const throws = (run: () => unknown, code: string): string => {
  try {
    run();
  } catch (error) {
    assert.is((error as { code?: string }).code, code, String(error));
    return (error as Error).message;
  }
  return assert.unreachable('was accepted') as never;
};
