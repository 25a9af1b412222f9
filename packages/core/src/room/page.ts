// One page of a log document: its Yjs document, its timeline, and what is held and deleted in it. Rules:
// spec/log-document.md.
import * as Y from 'yjs';
import { applyUpdates } from '../logdoc/apply.ts';
import { decodeEntry, type Entry } from '../logdoc/entries.ts';
import { type ParsedUpdate, ROOT } from '../logdoc/parser.ts';

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
export const createPage = (stream: string, firstClientId: number) => {
  let clientId = firstClientId;
  const listeners = new Set<(change: PageChange) => void>();
  const resetListeners = new Set<() => void>();
  const closeListeners = new Set<() => void>();

  const open = (updates: readonly ParsedUpdate[]) => {
    const doc = new Y.Doc({ gc: true });
    // Loaded under another clientID: Yjs re-rolls one that it meets in what it loads.
    if (updates.length > 0) applyUpdates(doc, updates, ACCEPTED);
    doc.clientID = clientId;
    const map = doc.getMap<Uint8Array>(ROOT);
    map.observe((event) => {
      const change = changeOf(map, event);
      for (const listener of listeners) listener(change);
    });
    // Yjs re-rolls a clientID that it meets in someone else's update; ours is bound to our key and must stay.
    doc.on('afterTransactionCleanup', () => {
      if (doc.clientID !== clientId) doc.clientID = clientId;
    });
    return { doc, map };
  };
  let current = open([]);

  return {
    stream,
    /** This device's own in it; another one after a reset that names one. */
    get clientId() {
      return clientId;
    },
    /** The document as it is now; another one after a reset. */
    get doc() {
      return current.doc;
    },
    get map() {
      return current.map;
    },
    onChange(listener: (change: PageChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Told after the document was replaced: what was known of it is void. */
    onReset(listener: () => void): () => void {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    /** Told when the page was put aside: it holds nothing any more, and is not opened again. */
    onClose(listener: () => void): () => void {
      closeListeners.add(listener);
      return () => closeListeners.delete(listener);
    },
    close(): void {
      current.doc.destroy();
      for (const listener of closeListeners) listener();
    },
    /** All entries of kinds that this version knows, in no particular order. */
    *entries(): Generator<PageEntry> {
      for (const [id, bytes] of current.map.entries()) {
        const entry = decodeEntry(bytes);
        if (entry) yield { id, entry };
      }
    },
    /** Takes accepted updates as one transaction. */
    applyAll(updates: readonly ParsedUpdate[]): void {
      applyUpdates(current.doc, updates, ACCEPTED);
    },
    /**
     * Starts anew with exactly these updates: something that was applied turned out to be void.
     * @param ownClientId - what this device writes under from now on, if that changes.
     */
    reset(updates: readonly ParsedUpdate[], ownClientId = clientId): void {
      const { doc } = current;
      clientId = ownClientId;
      current = open(updates);
      doc.destroy();
      for (const listener of resetListeners) listener();
    },
    /** Writes one entry as this device's own. @returns its id. */
    append(bytes: Uint8Array): string {
      const { doc, map } = current;
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

const changeOf = (map: Y.Map<Uint8Array>, event: Y.YMapEvent<Uint8Array>): PageChange => {
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
  return { added, removed };
};
