// Attaches y-websocket's provider to a shared document, over a socket that ends in the vault, and an awareness beside it.
// Rules: spec/shared-document.md §3 and §5.
import { SealwireError } from '@sealwire/protocol';
import { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { DeletedRange } from '../logdoc/parser.ts';
import type { Room } from '../room/room.ts';
import { writerOf } from '../room/state.ts';
import { sealedSocketClass } from '../sync/sealed-socket.ts';
import type { SharedDocument } from './document.ts';

/**
 * Edits of the document go to the room's outbox from now on. What others wrote goes straight into the document: y-protocols
 * would only log what Yjs throws.
 *
 * @param before - the awareness of the document that was there before; what it knew goes on.
 */
export const attachDocument = (room: Room, document: SharedDocument, before: Awareness | undefined) => {
  const { doc, stream, clientId } = document;
  const known = deletedIn(doc);
  const socket = sealedSocketClass({
    stateVector: () => stateVectorOf(doc, clientId, writerOf(room.state, stream).clock),
    submit: (update, isFirst) => room.state.documents.submit(stream, update, isFirst ? known : undefined),
    dropped: (error) => room.dropped(stream, new SealwireError('FOREIGN_EDIT_DROPPED', error.message)),
    attach: () => () => undefined,
  });
  const awareness = new Awareness(doc);
  if (before) goOn(awareness, before);
  const provider = new WebsocketProvider('sealwire:', stream, doc, {
    WebSocketPolyfill: socket as unknown as typeof WebSocket,
    // Tabs of one browser would exchange plaintext, with localStorage as a fallback.
    disableBc: true,
    awareness,
    connect: true,
  });
  document.carriedBy(provider);
  let settle = (): void => undefined;
  const synced = new Promise<void>((resolve) => {
    settle = resolve;
  });
  provider.once('sync', settle);
  return {
    awareness,
    /** Resolves when every edit is heard, or when it ended before that. */
    synced,
    end(): void {
      settle();
      document.carriedBy(undefined);
      provider.destroy();
      awareness.destroy();
    },
  };
};

/** All that the vault holds: what others wrote and is here, and own edits up to the one that is expected next. */
const stateVectorOf = (doc: Y.Doc, clientId: number, clock: number): Uint8Array => {
  const vector = Y.decodeStateVector(Y.encodeStateVector(doc));
  vector.set(clientId, clock);
  return Y.encodeStateVector(vector);
};

const deletedIn = (doc: Y.Doc): DeletedRange[] =>
  [...Y.createDeleteSetFromStructStore(doc.store).clients].flatMap(([clientId, ranges]) =>
    ranges.map(({ clock, len }) => ({ clientId, clock, length: len })),
  );

/** Others take for old what has a lower clock than they know. */
const goOn = (awareness: Awareness, before: Awareness): void => {
  const own = before.getLocalState();
  for (const [client, meta] of before.meta) awareness.meta.set(client, { ...meta });
  for (const [client, state] of before.states) awareness.states.set(client, state);
  awareness.setLocalState(own);
};
