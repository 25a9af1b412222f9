// One open shared document: its Yjs document, filled with what counts. Made anew when less counts than before, and when
// Yjs could not take something after all. Rules: spec/shared-document.md §4.
import * as Y from 'yjs';
import type { DocumentUpdate } from '../logdoc/parser.ts';
import { combineDocuments } from './combine.ts';

export interface SharedDocumentOptions {
  readonly stream: string;
  /** This device's own in it. */
  readonly clientId: number;
  /** All that counts, in an order in which each builds only on those before it, or at once. */
  readonly history: () => readonly DocumentUpdate[];
  /** Yjs could not take an update that the parser passed: it is left out from now on. */
  readonly broken: (update: DocumentUpdate) => void;
}

/** Origin of transactions that carry accepted updates into a document that no provider is attached to. */
const ACCEPTED = Symbol('accepted');

export const createSharedDocument = ({ stream, clientId, history, broken }: SharedDocumentOptions) => {
  const resetListeners = new Set<() => void>();
  /** A provider that is attached must not take for an edit what it is given. */
  let carrier: unknown = ACCEPTED;

  const open = (): Y.Doc => {
    const doc = build(history, broken);
    // Loaded under another clientID: Yjs re-rolls one that it meets in what it loads.
    doc.clientID = clientId;
    // Yjs re-rolls it also for what comes in under it; ours is bound to our key and must stay. After all else, since it
    // does so behind `afterTransaction`.
    doc.on('afterTransactionCleanup', () => {
      if (doc.clientID !== clientId) doc.clientID = clientId;
    });
    return doc;
  };
  let current = open();

  const replace = (next: Y.Doc): void => {
    const before = current;
    current = next;
    for (const listener of resetListeners) listener();
    before.destroy();
  };

  return {
    stream,
    clientId,
    /** The document as it is now; another one after a reset. */
    get doc() {
      return current;
    },
    carriedBy(origin: unknown): void {
      carrier = origin ?? ACCEPTED;
    },
    /** Told after the document was replaced. @returns the function that ends the subscription. */
    onReset(listener: () => void): () => void {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    /** Takes accepted updates, which the history holds by now, in one transaction. */
    apply(updates: readonly DocumentUpdate[]): void {
      try {
        applyTo(current, updates, carrier);
        if (isWhole(current)) return;
      } catch (error) {
        // Either Yjs could not take it, or somebody who watches the document threw: then the document is as it should be.
        const fresh = open();
        if (isSameContent(fresh, current)) {
          fresh.destroy();
          queueMicrotask(() => {
            throw error;
          });
          return;
        }
        replace(fresh);
        return;
      }
      replace(open());
    },
    /** Makes it anew from what counts now. */
    reset: () => replace(open()),
    destroy: () => current.destroy(),
  };
};

export type SharedDocument = ReturnType<typeof createSharedDocument>;

const applyTo = (doc: Y.Doc, updates: readonly DocumentUpdate[], origin: unknown): void => {
  const { update, rest } = combineDocuments(updates, (client) => Y.getState(doc.store, client));
  Y.applyUpdate(doc, update, origin);
  for (const { bytes } of rest) Y.applyUpdate(doc, bytes, origin);
};

/** Nothing waits in Yjs for what will never come. */
const isWhole = ({ store }: Y.Doc): boolean => store.pendingStructs === null && store.pendingDs === null;

const isSameContent = (a: Y.Doc, b: Y.Doc): boolean =>
  isWhole(a) && isWhole(b) && Y.equalSnapshots(Y.snapshot(a), Y.snapshot(b));

/** A document of all that counts. What Yjs cannot take is found and left out. */
const build = (history: SharedDocumentOptions['history'], broken: SharedDocumentOptions['broken']): Y.Doc => {
  for (;;) {
    const doc = new Y.Doc({ gc: true });
    const culprit = firstThatThrows(doc, history());
    if (!culprit) return doc;
    doc.destroy();
    broken(culprit);
  }
};

/** All at once, and only if that fails one by one. */
const firstThatThrows = (doc: Y.Doc, updates: readonly DocumentUpdate[]): DocumentUpdate | undefined => {
  try {
    applyTo(doc, updates, ACCEPTED);
    return undefined;
  } catch {
    const trial = new Y.Doc({ gc: true });
    for (const update of updates)
      try {
        applyTo(trial, [update], ACCEPTED);
      } catch {
        trial.destroy();
        return update;
      }
    trial.destroy();
    // Together they are too much, one by one they are not: the last is as good as any.
    return updates.at(-1);
  }
};
