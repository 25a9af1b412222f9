// Automerge 3: the messages as immutable strings in one list, one change a message.
import { LIMITS } from '@sealwire/protocol';
import { playScript } from '../script.ts';
import { bytesOf, inDeliveries, type MergePeer, versionOf } from './peer.ts';

type Messages = { messages: { toString(): string }[] };

export const automerge: MergePeer = {
  id: 'automerge',
  name: 'Automerge',
  version: versionOf('@automerge/automerge'),
  async make({ steps }) {
    const {
      applyChanges,
      change,
      clone,
      from,
      getAllChanges,
      getLastLocalChange,
      ImmutableString,
      init,
      load,
      save,
    } = await import('@automerge/automerge');
    const origin = from<Messages>({ messages: [] } as never, { actor: '00'.repeat(16) });
    const first = getAllChanges(origin);
    const written = await playScript<Uint8Array>(steps, (index) => {
      let doc = clone(origin, { actor: `0${index + 1}`.repeat(16) });
      return {
        take(changes) {
          [doc] = applyChanges(doc, [...changes]);
        },
        write(json) {
          doc = change(doc, ({ messages }) => void messages.push(new ImmutableString(json)));
          return getLastLocalChange(doc)!;
        },
      };
    });
    const changes = [...first, ...written];
    const apply = (pieces: readonly (readonly Uint8Array[])[]) => {
      let doc = init<Messages>();
      for (const piece of pieces) [doc] = applyChanges(doc, [...piece]);
      return doc;
    };
    const read = ({ messages }: Messages) => ({ messages: messages.map((json) => JSON.parse(String(json))) });
    const saved = save(apply([changes]));
    const pieces = inDeliveries(changes, LIMITS.readBytes);
    const bytes = bytesOf(changes);
    return [
      { what: 'a delivery at a time', from: 'updates', bytes, catchUp: () => read(apply(pieces)) },
      { what: 'all changes at once', from: 'updates', bytes, catchUp: () => read(apply([changes])) },
      {
        what: 'saved document',
        from: 'state',
        bytes: saved.length,
        catchUp: () => read(load<Messages>(saved)),
      },
    ];
  },
};
