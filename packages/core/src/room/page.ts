// One page of a log document: its Yjs document, its timeline, and what is held and deleted in it. Rules:
// spec/log-document.md.
import * as Y from 'yjs';
import { type AcceptedUpdate, combineUpdates } from '../logdoc/combine.ts';
import { decodeEntry, type Entry } from '../logdoc/entries.ts';
import { ROOT } from '../logdoc/parser.ts';

/** An entry as the document shows it. */
export interface PageEntry {
  /** `clientID:clock`. */
  readonly id: string;
  readonly entry: Entry;
}

export interface PageChange {
  readonly added: readonly PageEntry[];
  readonly removed: readonly string[];
}

/** Origin of transactions that carry accepted frames into a page that no provider is attached to. */
export const ACCEPTED = Symbol('accepted');

/** Opens an empty page. `clientId` is this device's own in it; set before any provider exists. */
export const createPage = (stream: string, clientId: number) => {
  const doc = new Y.Doc({ gc: true });
  doc.clientID = clientId;
  const map = doc.getMap<Uint8Array>(ROOT);
  const listeners = new Set<(change: PageChange) => void>();
  map.observe((event) => {
    const added: PageEntry[] = [];
    const removed: string[] = [];
    for (const [id, { action }] of event.changes.keys) {
      if (action === 'delete') {
        removed.push(id);
        continue;
      }
      const bytes = map.get(id);
      const entry = bytes instanceof Uint8Array ? decodeEntry(bytes) : undefined;
      if (entry) added.push({ id, entry });
    }
    for (const listener of listeners) listener({ added, removed });
  });
  // Yjs re-rolls a clientID that it meets in someone else's update; ours is bound to our key and must stay.
  doc.on('afterTransaction', () => {
    if (doc.clientID !== clientId) doc.clientID = clientId;
  });
  return {
    stream,
    doc,
    map,
    clientId,
    onChange(listener: (change: PageChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** All entries of kinds that this version knows, in no particular order. */
    *entries(): Generator<PageEntry> {
      for (const [id, bytes] of map.entries()) {
        const entry = decodeEntry(bytes);
        if (entry) yield { id, entry };
      }
    },
    /** Takes accepted updates as one transaction. */
    applyAll(updates: readonly AcceptedUpdate[]): void {
      Y.applyUpdate(doc, combineUpdates(updates), ACCEPTED);
    },
    /** Writes one entry as this device's own. @returns its id. */
    append(bytes: Uint8Array): string {
      let id = '';
      doc.transact(() => {
        id = `${clientId}:${Y.getState(doc.store, clientId)}`;
        map.set(id, bytes);
      });
      return id;
    },
  };
};

export type Page = ReturnType<typeof createPage>;
