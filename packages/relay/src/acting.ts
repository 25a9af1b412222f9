// Whom a connection acts for: the principal that lists its key, now and after each edit, and what comes into its inbox.
// Rules: spec/relay-protocol.md §6 (RP41, RP48, RP53) and §11 (RP115, RP116).
import { type ClosingCode, type RelayMessage, sameBytes } from '@sealwire/protocol';
import { type Awaitable, whenRead } from './awaitable.ts';
import type { Watch } from './neighbours.ts';
import type { LogStore } from './store.ts';

type InboxMessage = Extract<RelayMessage, { readonly type: 'inbox' }>;
type Welcome = Extract<RelayMessage, { readonly type: 'welcome' }>;

export interface Acting {
  /** Undefined for a key that no principal lists, and until the welcome. */
  readonly principal: Uint8Array | undefined;
  /** Finds out whom the proven key belongs to and says so. @throws SealwireError STORE_FAILED, also as a rejection. */
  begin(relayKey: Uint8Array): Awaitable<void>;
  /** An edit is durable by which a principal lists the key. */
  belongsTo(principal: Uint8Array): void;
  /** An edit is durable by which this principal no longer lists the key. */
  cutOff(principal: Uint8Array): void;
  /** Brings a message of the inbox; where much waits in the socket, only that there is one. */
  tell(message: InboxMessage): void;
  /** Hears of nothing any more. */
  end(): void;
}

export interface ActingOptions {
  readonly store: LogStore;
  readonly readBytes: number;
  send(message: RelayMessage): void;
  isFull(): boolean;
  close(code: ClosingCode): void;
  /** Runs what reads the store and deals with what it throws. */
  guarded(run: () => Awaitable<void>): void;
  /** It acts for another principal, or for none. */
  changed(before: Uint8Array | undefined, after: Uint8Array | undefined): void;
}

export const createActing = (options: ActingOptions): Acting => {
  const { store, send, guarded, changed } = options;
  const { neighbours } = store;
  const watches: Watch[] = [];
  let principal: Uint8Array | undefined;
  let isWelcome = false;
  let isOver = false;
  /** Edits heard of: a reading of the store that one has overtaken is begun again. */
  let edits = 0;
  /** Messages of the inbox up to here were told. */
  let told = 0;

  const actFor = (next: Uint8Array | undefined): void => {
    changed(principal, next);
    principal = next;
  };

  const isFor = (id: Uint8Array): boolean => !isOver && principal !== undefined && sameBytes(principal, id);

  const watch = (begun: Watch | undefined): Awaitable<void> => {
    if (begun) watches.push(begun);
    return begun?.ready;
  };

  /** As it is in the moment that it is given. */
  const read = (relayKey: Uint8Array): Awaitable<Welcome> => {
    const heard = edits;
    return whenRead(store.principalOf(relayKey), (id) =>
      whenRead(id && store.principal(id), (record) =>
        whenRead(id ? undefined : store.farewell(relayKey), (farewell): Awaitable<Welcome> => {
          if (heard !== edits && !isOver) return read(relayKey);
          return { type: 'welcome', principal: id, version: record?.version ?? 0, farewell };
        }),
      ),
    );
  };

  const tell = (message: InboxMessage): void =>
    send(options.isFull() ? { type: 'inbox-news', last: message.number } : message);

  /** Brings what came into the inbox and was not told yet. */
  const inboxChanged = (id: Uint8Array): void =>
    guarded(() =>
      whenRead(store.readInbox(id, told, options.readBytes), ({ messages }) => {
        for (const message of messages) {
          if (message.number <= told || !isFor(id)) continue;
          told = message.number;
          tell({ type: 'inbox', ...message });
        }
      }),
    );

  /** To a connection that has just come to act for the principal. */
  const tellInboxNews = (id: Uint8Array): Awaitable<void> =>
    whenRead(watch(neighbours?.watchInbox(id, () => inboxChanged(id))), () =>
      whenRead(store.inbox(id), (inbox) => {
        told = Math.max(told, inbox?.last ?? 0);
        const newest = inbox?.waiting.at(-1);
        if (newest && isFor(id)) send({ type: 'inbox-news', last: newest.number });
      }),
    );

  const belongsTo = (id: Uint8Array): void => {
    edits++;
    if (!isWelcome || isFor(id)) return;
    actFor(id);
    guarded(() => tellInboxNews(id));
  };

  const cutOff = (id: Uint8Array): void => {
    edits++;
    if (isFor(id)) options.close('AUTH_FAILED');
  };

  const reconsider = (relayKey: Uint8Array): void => {
    edits++;
    const heard = edits;
    guarded(() =>
      whenRead(store.principalOf(relayKey), (id) => {
        // A later edit is considered by itself.
        if (isOver || !isWelcome || heard !== edits) return;
        if (principal !== undefined && (id === undefined || !sameBytes(principal, id))) cutOff(principal);
        else if (id !== undefined) belongsTo(id);
      }),
    );
  };

  return {
    get principal() {
      return principal;
    },
    begin: (relayKey) =>
      whenRead(watch(neighbours?.watchKey(relayKey, () => reconsider(relayKey))), () =>
        whenRead(read(relayKey), (welcome) => {
          if (isOver) return;
          isWelcome = true;
          actFor(welcome.principal);
          send(welcome);
          return welcome.principal && tellInboxNews(welcome.principal);
        }),
      ),
    belongsTo,
    cutOff,
    tell,
    end() {
      isOver = true;
      changed(principal, undefined);
      for (const one of watches.splice(0)) one.end();
    },
  };
};
