// y-websocket's own provider as a peer: connects a document, takes what the server has, ends cleanly.
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import type * as Y from 'yjs';

/** Connections that are opened together. */
const AT_ONCE = 50;

export type Polyfill = typeof globalThis.WebSocket;

export const plainSocket = WebSocket as unknown as Polyfill;

/** Resolves when the server has answered the document's question and the connection has ended. */
export const syncOnce = async (
  address: string,
  name: string,
  doc: Y.Doc,
  WebSocketPolyfill: Polyfill = plainSocket,
): Promise<void> => {
  // Each provider listens for the end of the process.
  process.setMaxListeners(Math.max(process.getMaxListeners(), 2 * AT_ONCE));
  const provider = new WebsocketProvider(address, name, doc, { WebSocketPolyfill, disableBc: true });
  await new Promise<void>((resolve) => provider.on('sync', () => resolve()));
  const closed = new Promise<void>((resolve) => provider.on('connection-close', () => resolve()));
  provider.disconnect();
  await closed;
  provider.destroy();
  provider.awareness.destroy();
};

/** Runs them for 0 to `count` − 1, some at a time. */
export const someAtOnce = async (count: number, run: (index: number) => Promise<void>): Promise<void> => {
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => run(from + i)));
};
