// Loro: the messages as strings in one list, one commit and so one update a message.
import { LIMITS } from '@sealwire/protocol';
import type { Step } from '../conversation.ts';
import { playScript } from '../script.ts';
import { bytesOf, inDeliveries, type MergePeer, versionOf } from './peer.ts';

export const MESSAGES = 'messages';

type LoroDoc = import('loro-crdt').LoroDoc;

export const loro: MergePeer = {
  id: 'loro',
  name: 'Loro',
  version: versionOf('loro-crdt'),
  async make({ steps }) {
    const { LoroDoc } = await import('loro-crdt');
    const updates = await playLoro(steps);
    const filled = (pieces: readonly (readonly Uint8Array[])[]): LoroDoc => {
      const doc = new LoroDoc();
      for (const piece of pieces) doc.importBatch([...piece]);
      return doc;
    };
    const oneByOne = (): LoroDoc => {
      const doc = new LoroDoc();
      for (const update of updates) doc.import(update);
      return doc;
    };
    const snapshot = filled([updates]).export({ mode: 'snapshot' });
    const fromSnapshot = (): LoroDoc => {
      const doc = new LoroDoc();
      doc.import(snapshot);
      return doc;
    };
    const pieces = inDeliveries(updates, LIMITS.readBytes);
    const bytes = bytesOf(updates);
    return [
      { what: 'a delivery at a time', from: 'updates', bytes, catchUp: () => readLoro(filled(pieces)) },
      { what: 'all updates at once', from: 'updates', bytes, catchUp: () => readLoro(filled([updates])) },
      { what: 'one update at a time', from: 'updates', bytes, catchUp: () => readLoro(oneByOne()) },
      { what: 'snapshot', from: 'state', bytes: snapshot.length, catchUp: () => readLoro(fromSnapshot()) },
    ];
  },
};

export const readLoro = (doc: LoroDoc): { readonly messages: readonly unknown[] } => {
  const texts = doc.getList(MESSAGES).toJSON() as string[];
  return { messages: texts.map((json) => JSON.parse(json) as unknown) };
};

/** Each message as the update that Loro hands out for it. */
const playLoro = async (steps: readonly Step[]): Promise<Uint8Array[]> => {
  const { LoroDoc } = await import('loro-crdt');
  return playScript<Uint8Array>(steps, (index) => {
    const doc = new LoroDoc();
    doc.setPeerId(BigInt(index + 1));
    return {
      take: (updates) => void doc.importBatch([...updates]),
      write: (json) =>
        new Promise((resolve) => {
          const forget = doc.subscribeLocalUpdates((update) => {
            forget();
            resolve(update);
          });
          doc.getList(MESSAGES).push(json);
          doc.commit();
        }),
    };
  });
};
