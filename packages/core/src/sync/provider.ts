// Attaches y-websocket's provider to a page, over a socket that ends in the vault. Rules: spec/vault.md, "The socket".
import { SealwireError } from '@sealwire/protocol';
import { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { Page } from '../room/page.ts';
import type { Room } from '../room/room.ts';
import { sealedSocketClass } from './sealed-socket.ts';

/**
 * Resolves once attached: from then on, local edits of the page's document go to the room's outbox and accepted ones come
 * in. A page that is made anew gets a provider anew: what is written to it meanwhile leaves with its first sync.
 */
export const openProvider = async (room: Room, page: Page): Promise<() => void> => {
  let attached = attach(room, page);
  const stop = page.onReset(() => {
    attached.end();
    attached = attach(room, page);
  });
  for (let waited: typeof attached | undefined; waited !== attached; ) {
    waited = attached;
    await waited.synced;
  }
  return () => {
    stop();
    attached.end();
  };
};

const attach = (room: Room, page: Page) => {
  const { stream } = page;
  const socket = sealedSocketClass({
    stateVector: () => room.stateVector(stream),
    submit: (update) => room.submit(stream, update),
    dropped: (error) => room.dropped(stream, new SealwireError('FOREIGN_EDIT_DROPPED', error.message)),
    attach: (sink) => room.attach(stream, sink),
  });
  // Its timer would outlive the provider: whoever makes an awareness ends it. A listener that it leaves with its document
  // stays for ever, so it gets a document of its own, with the clientID that the provider asks it about.
  const nobody = new Y.Doc();
  nobody.clientID = page.clientId;
  const awareness = new Awareness(nobody);
  const provider = new WebsocketProvider('sealwire:', stream, page.doc, {
    WebSocketPolyfill: socket as unknown as typeof WebSocket,
    // Tabs of one browser would exchange plaintext, with localStorage as a fallback.
    disableBc: true,
    awareness,
    connect: true,
  });
  // The vault answers in a microtask; from then on every edit is heard.
  let settle = (): void => undefined;
  const synced = new Promise<void>((resolve) => {
    settle = resolve;
  });
  provider.once('sync', settle);
  return {
    /** Resolves when it is attached, or ended before it was. */
    synced,
    end(): void {
      settle();
      provider.destroy();
      awareness.destroy();
    },
  };
};
