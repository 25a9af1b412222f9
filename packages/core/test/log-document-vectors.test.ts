// Runs the vectors of log documents. Rules: spec/log-document.md; each vector names its own.
import { pageIndex, toHex } from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { combineUpdates } from '../src/logdoc/combine.ts';
import { decodeEntry } from '../src/logdoc/entries.ts';
import { type ParsedUpdate, parseUpdate, ROOT } from '../src/logdoc/parser.ts';
import { decodePayload, encodePayload } from '../src/logdoc/payload.ts';
import { writerDoc } from './support.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

/** A document that holds what the update continues and deletes. */
const before = (clientId: number, clock: number, deletions: ParsedUpdate['deletions']) => {
  const doc = new Y.Doc();
  const lengths = new Map([[clientId, clock]]);
  for (const { clientId: of, clock: from, length } of deletions)
    if (of !== clientId) lengths.set(of, Math.max(lengths.get(of) ?? 0, from + length));
  for (const [id, length] of lengths) {
    const writer = writerDoc(id);
    for (let i = 0; i < length; i++) writer.write(Uint8Array.of(1));
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(writer.doc));
  }
  return doc;
};

const update = (input: VectorInput) => {
  const [bytes, clientId, clock] = [input.bytes('update'), input.number('clientId'), input.number('clock')];
  return shown(parseUpdate(bytes, clientId, clock), bytes, clock);
};

const payload = (input: VectorInput) => {
  const [clientId, clock] = [input.number('clientId'), input.number('clock')];
  const read = decodePayload(input.bytes('payload'), clientId, clock);
  assert.equal(encodePayload([read]), input.bytes('payload'));
  return shown(read, combineUpdates([read]), clock);
};

/** Yjs takes it whole. @returns what it says. */
const shown = ({ clientId, entries, deletions }: ParsedUpdate, bytes: Uint8Array, clock: number) => {
  const doc = before(clientId, clock, deletions);
  Y.applyUpdate(doc, bytes);
  assert.is(doc.store.pendingStructs, null);
  assert.is(doc.store.pendingDs, null);
  const map = doc.getMap<Uint8Array>(ROOT);
  for (const { clock: at, content } of entries) {
    const held = map.get(`${clientId}:${at}`);
    assert.is(held && toHex(held), content && toHex(content));
  }
  for (const { clientId: of, clock: from } of deletions) assert.not(map.has(`${of}:${from}`));
  return {
    entries: entries.map(({ clock: at, content }) => ({
      clock: at,
      content: content ? toHex(content) : null,
    })),
    deletions,
  };
};

const entry = (input: VectorInput) => ({ entry: decodeEntry(input.bytes('entry')) ?? null });

const page = (input: VectorInput) => ({ page: pageIndex(input.text('stream')) ?? null });

runVectors('log-document', { payload, update, entry, page }, 70);
