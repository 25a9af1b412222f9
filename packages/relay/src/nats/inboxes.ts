// Inboxes at NATS: the payload of a message is stored first, then the inbox's record names it. Rules: spec/relay-protocol.md §13.
import { SealwireError } from '@sealwire/protocol';
import {
  type InboxEdit,
  type InboxRecord,
  pageOf,
  withMessage,
  withoutMessages,
  withTokens,
} from '../inbox-record.ts';
import { copyOf, keyOf } from '../keys.ts';
import type { InboxAppend, LocalStore } from '../store.ts';
import type { JetStream } from './jetstream.ts';
import { decodeStoredInbox, encodeStoredInbox, type StoredInbox } from './record-bytes.ts';
import type { Records } from './records.ts';
import type { Names } from './subjects.ts';

export interface Inboxes {
  inbox(principal: Uint8Array): Promise<InboxRecord | undefined>;
  read(principal: Uint8Array, after: number, maxBytes: number): Promise<ReturnType<LocalStore['readInbox']>>;
  put(edit: InboxEdit): Promise<void>;
  append(message: InboxAppend): Promise<number>;
  remove(principal: Uint8Array, numbers: readonly number[]): Promise<void>;
}

export const createInboxes = (jetStream: JetStream, names: Names, records: Records): Inboxes => {
  const get = async (principal: Uint8Array): Promise<StoredInbox | undefined> => {
    const found = await records.get('inbox', principal);
    return found && decodeStoredInbox(copyOf(principal), found.data);
  };

  /** Whatever changes an inbox does so in the order of the calls. */
  const inTurn = <T>(principal: Uint8Array, run: () => Promise<T>): Promise<T> =>
    records.inTurn(`inbox${keyOf(principal)}`, run);

  const change = async <T>(
    principal: Uint8Array,
    to: (current: StoredInbox | undefined) => { readonly next: StoredInbox | undefined; readonly result: T },
  ): Promise<T> => {
    let result: { readonly value: T } | undefined;
    await records.update('inbox', principal, (bytes) => {
      const changed = to(bytes && decodeStoredInbox(copyOf(principal), bytes));
      result = { value: changed.result };
      return changed.next && encodeStoredInbox(changed.next);
    });
    return result!.value;
  };

  return {
    inbox: async (principal) => (await get(principal))?.record,

    async read(principal, after, maxBytes) {
      const found = await get(principal);
      const { page, complete } = pageOf(found?.record, after, maxBytes);
      const { stream } = names.letters(principal);
      const messages = await Promise.all(
        page.map(async (message) => {
          const letter = found!.letters[found!.record.waiting.indexOf(message)]!;
          const payload = (await jetStream.at(stream, letter))?.data;
          return payload && { number: message.number, token: message.token, payload: copyOf(payload) };
        }),
      );
      // What was removed while it was read is no longer there.
      return { messages: messages.filter((message) => message !== undefined), complete };
    },

    put: (edit) =>
      inTurn(edit.principal, () =>
        change(edit.principal, (current) => {
          const record = withTokens(current?.record, edit);
          return { next: { record, letters: current?.letters ?? [] }, result: undefined };
        }),
      ),

    async append({ principal, token, payload }) {
      const [owner, shown, kept] = [copyOf(principal), copyOf(token), copyOf(payload)];
      return inTurn(owner, async () => {
        // Refused before a payload is stored for nothing.
        withMessage((await get(owner))?.record, shown, kept.length);
        const letter = await jetStream.publish(names.letters(owner), kept);
        if (letter === undefined) throw new SealwireError('STORE_FAILED', 'NATS did not take a message.');
        return change(owner, (current) => {
          const record = withMessage(current?.record, shown, kept.length);
          return { next: { record, letters: [...(current?.letters ?? []), letter] }, result: record.last };
        });
      });
    },

    remove(principal, numbers) {
      const owner = copyOf(principal);
      return inTurn(owner, async () => {
        const gone = await change(owner, (current) => {
          if (current === undefined) return { next: undefined, result: [] };
          const record = withoutMessages(current.record, numbers);
          const isKept = (_letter: number, i: number): boolean =>
            record.waiting.some(({ number }) => number === current.record.waiting[i]!.number);
          return {
            next: { record, letters: current.letters.filter(isKept) },
            result: current.letters.filter((letter, i) => !isKept(letter, i)),
          };
        });
        const { stream } = names.letters(owner);
        await Promise.all(gone.map((letter) => jetStream.remove(stream, letter)));
      });
    },
  };
};
