// The peer: a y-websocket provider for each document, over @y/websocket-server.
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { type Polyfill, someAtOnce, syncOnce } from '../lib/provider.ts';
import { ResultsDiffer } from '../lib/result.ts';
import { messagesOf } from '../open/chat.ts';
import { startServer } from '../relay/server-process.ts';
import { onSocket } from '../size/wire.ts';
import type { Return, Side } from './sides.ts';

/** As y-protocols numbers messages. */
const SYNC = 0;
const STEP_1 = 0;

const nameOf = (room: number): string => `chat-${room}`;

export const openYjs = async (rooms: number, messages: number): Promise<Side> => {
  const server = await startServer('servers/y-websocket.mjs');
  const texts = messagesOf(messages).map((message) => JSON.stringify(message));
  const states: Uint8Array[] = [];
  await someAtOnce(rooms, async (room) => {
    const doc = new Y.Doc();
    doc.getArray<string>('messages').push(texts);
    await syncOnce(server.address, nameOf(room), doc);
    // Asked for again, so that it is known to hold what was sent.
    const reader = new Y.Doc();
    await syncOnce(server.address, nameOf(room), reader);
    states[room] = Y.encodeStateAsUpdate(reader);
  });

  const comeBack = async (): Promise<Return> => {
    const counted = { sent: 0, received: 0 };
    const questions: number[] = [];
    await someAtOnce(rooms, async (room) => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, states[room]!);
      questions[room] = 0;
      const Counting = countingSocket(counted, () => questions[room]!++);
      await syncOnce(server.address, nameOf(room), doc, Counting);
      const held = doc.getArray<string>('messages').toArray();
      if (held.length !== messages || held.some((text, i) => text !== texts[i]))
        throw new ResultsDiffer(`idle: document ${room} holds ${held.length} messages`);
    });
    // The documents' questions do not wait for each other.
    return { ...counted, roundTrips: Math.max(...questions), connections: rooms };
  };
  return { comeBack, end: () => server.stop() };
};

/** @param asked - called for each question of the client, which is a sync step 1. */
const countingSocket = (counted: { sent: number; received: number }, asked: () => void): Polyfill =>
  class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      this.on('message', (bytes: Buffer | ArrayBuffer) => {
        counted.received += onSocket(
          bytes instanceof ArrayBuffer ? bytes.byteLength : bytes.length,
          'server',
        );
      });
    }

    override send(...args: unknown[]): void {
      const bytes = args[0] as Uint8Array;
      counted.sent += onSocket(bytes.length, 'client');
      if (bytes[0] === SYNC && bytes[1] === STEP_1) asked();
      super.send(...(args as [Uint8Array]));
    }
  } as unknown as Polyfill;
