// Hands accepted updates to Yjs: joined into one, and read without copying each entry. Rules: spec/log-document.md §4.
import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';
import { combineUpdates } from './combine.ts';
import type { ParsedUpdate } from './parser.ts';

/** Applies accepted updates as one transaction. */
export const applyUpdates = (doc: Y.Doc, updates: readonly ParsedUpdate[], origin: unknown): void =>
  Y.applyUpdateV2(doc, combineUpdates(updates), origin, ViewDecoder);

/**
 * Entries become views of the joined update, which nobody else holds, instead of a copy each: a tenth of a catch-up and of
 * the memory after it. The joined update stays in memory as long as one of its entries does.
 */
class ViewDecoder extends Y.UpdateDecoderV1 {
  override readBuf(): Uint8Array {
    return decoding.readVarUint8Array(this.restDecoder);
  }
}
