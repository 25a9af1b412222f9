// The peer: plain Yjs. Four documents play the same script, each message one update, as y-websocket sends it.
import { createClock, encodeEntry } from '@sealwire/core/testing';
import * as Y from 'yjs';
import { DEVICES, type Step } from './conversation.ts';
import type { CaughtUp } from './sealed.ts';

/** The one array that holds the messages, each as its JSON text. */
const MESSAGES = 'messages';

/** Of 32 bits, as Yjs draws them; the same in each run. */
export const CLIENT_IDS = Array.from({ length: DEVICES }, (_, i) => 0x9e3779b9 - i * 0x1f123bb5);

/** All updates in the order in which a server gets them; one message each. */
export const playPlain = (steps: readonly Step[]): Uint8Array[] => {
  const time = { now: 0 };
  const relayed: Uint8Array[] = [];
  const writers = CLIENT_IDS.map(openWriter);
  for (const step of steps) {
    const writer = writers[step.device]!;
    if (step.type === 'leave') writer.online = false;
    else if (step.type === 'return') {
      writer.online = true;
      writer.catchUp(relayed);
    } else {
      writer.catchUp(relayed);
      for (const { at, text } of step.messages) {
        time.now = at;
        writer.push(Buffer.from(encodeEntry({ k: 'm', t: writer.clock.next(), x: text })).toString('utf8'));
      }
    }
    writer.send(relayed);
  }
  return relayed;

  function openWriter(clientId: number) {
    const doc = new Y.Doc();
    doc.clientID = clientId;
    const array = doc.getArray<string>(MESSAGES);
    const unsent: Uint8Array[] = [];
    let received = 0;
    let last: Y.ID | null = null;
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== RELAY) unsent.push(update);
    });
    return {
      online: true,
      clock: createClock(() => time.now),
      catchUp(all: readonly Uint8Array[]): void {
        if (!this.online) return;
        doc.transact(() => {
          for (; received < all.length; received++) Y.applyUpdate(doc, all[received]!, RELAY);
        }, RELAY);
      },
      /** As `array.push([text])`, but in constant time: Yjs itself would walk the whole list. Tested to be the same. */
      push(text: string): void {
        doc.transact((transaction) => {
          let left: Y.Item | null = last ? (Y.getItem(doc.store, last) as Y.Item) : array._start;
          while (left?.right) left = left.right;
          const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID));
          const content = new Y.ContentAny([text]);
          new Y.Item(id, left, left?.lastId ?? null, null, null, array, null, content).integrate(
            transaction,
            0,
          );
          last = id;
        });
      },
      send(all: Uint8Array[]): void {
        if (!this.online) return;
        this.catchUp(all);
        all.push(...unsent.splice(0));
        received = all.length;
      },
    };
  }
};

const RELAY = Symbol('relay');

/** As y-websocket does it: each message's update by itself. */
export const catchUpOneByOne = (updates: readonly Uint8Array[]): CaughtUp => {
  const doc = new Y.Doc();
  const array = doc.getArray<string>(MESSAGES);
  for (const update of updates) Y.applyUpdate(doc, update);
  return { messages: read(array) };
};

/** The best that plain Yjs can do with the same updates: all inside one transaction. */
export const catchUpInOne = (updates: readonly Uint8Array[]): CaughtUp => {
  const doc = new Y.Doc();
  const array = doc.getArray<string>(MESSAGES);
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  return { messages: read(array) };
};

/** Once, at the end: an observer that reads as messages come would take longer. */
const read = (array: Y.Array<string>): unknown[] => array.map((text) => JSON.parse(text) as unknown);

/** What a document holds whose updates came another way. */
export const readPlain = (doc: Y.Doc): CaughtUp => ({ messages: read(doc.getArray<string>(MESSAGES)) });

/** The whole chat as one update: what a y-websocket server sends to a new client. */
export const stateOf = (updates: readonly Uint8Array[]): Uint8Array => {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  return Y.encodeStateAsUpdate(doc);
};
