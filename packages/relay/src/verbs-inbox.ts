// The inbox of a principal: strangers who show a token leave messages, its devices read and remove them.
// Rules: spec/relay-protocol.md §11.
import { type ClientMessage, compareBytes, type RelayMessage } from '@sealwire/protocol';
import { durably, edit, refusal } from './answers.ts';
import { type Awaitable, whenRead } from './awaitable.ts';
import type { Shared } from './core.ts';
import { type InboxRecord, refusalOfMessage } from './inbox-record.ts';
import { copyOf, keyOf } from './keys.ts';
import type { Verdict } from './rights.ts';
import type { Session } from './session.ts';
import { tokenHashOf } from './signatures.ts';

type Message<T extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: T }>;

/** Does what the message asks for. @throws SealwireError STORE_FAILED if the store cannot be read. */
export const performInInbox = (
  shared: Shared,
  session: Session,
  message: Message<'put-inbox' | 'inbox-append' | 'inbox-read' | 'inbox-remove'>,
): Awaitable<RelayMessage | undefined> => {
  if (message.type === 'inbox-append') return append(shared, session, message);
  const { principal } = session;
  if (principal === undefined) return refusal(message.request, 'NO_PRINCIPAL');
  switch (message.type) {
    case 'put-inbox':
      return put(shared, session, principal, message);
    case 'inbox-read':
      return read(shared, principal, message);
    default:
      return remove(shared, session, principal, message);
  }
};

const put = (
  shared: Shared,
  session: Session,
  principal: Uint8Array,
  { request, version, tokens }: Message<'put-inbox'>,
): Awaitable<RelayMessage | undefined> => {
  const { store } = shared;
  const wanted = { principal, version, tokens: tokens.map(copyOf) };
  return whenRead(store.inbox(principal), (inbox) =>
    edit(shared, session, {
      request,
      version,
      verdict: judge(inbox, version, wanted.tokens),
      write: () => store.putInbox(wanted),
      written: () => {},
    }),
  );
};

const judge = (current: InboxRecord | undefined, version: number, tokens: readonly Uint8Array[]): Verdict => {
  if (current === undefined) return version === 1 ? 'write' : 'VERSION_CONFLICT';
  const isSame =
    tokens.length === current.tokens.length &&
    tokens.every((token, i) => compareBytes(token, current.tokens[i]!) === 0);
  // The answer to the edit that made this version may have been lost on the way.
  if (version === current.version && isSame) return 'already';
  return version === current.version + 1 ? 'write' : 'VERSION_CONFLICT';
};

const append = (
  shared: Shared,
  session: Session,
  { request, principal, token, payload }: Message<'inbox-append'>,
): Awaitable<RelayMessage | undefined> => {
  const { store, clock, budgets } = shared;
  if (shared.isStopping()) return refusal(request, 'SHUTTING_DOWN');
  const now = clock.now();
  // Before anything that depends on the token: who guesses is slowed down whatever he guesses.
  if (!session.inboxSends.take(now, 1)) return refusal(request, 'LIMIT_REACHED');
  const hash = tokenHashOf(token);
  return whenRead(store.inbox(principal), (inbox) => {
    const code = refusalOfMessage(inbox, hash);
    if (code !== undefined) return refusal(request, code);
    const owner = keyOf(principal);
    if (!budgets.inboxToken.of(owner + keyOf(hash)).take(now, 1)) return refusal(request, 'LIMIT_REACHED');
    if (!budgets.inbox.of(owner).take(now, 1)) return refusal(request, 'LIMIT_REACHED');
    const kept = { principal: copyOf(principal), token: hash, payload: copyOf(payload) };
    return durably(shared, session, {
      request,
      bytes: payload.length,
      write: () => store.appendToInbox(kept),
      written(number) {
        session.sendMessage({ type: 'accepted', request });
        push(shared, kept.principal, { type: 'inbox', number, token: hash, payload: kept.payload });
      },
    });
  });
};

/** Brings a message to the owner's connections. Where there are other relays, theirs and these hear of it alike. */
const push = (
  shared: Shared,
  principal: Uint8Array,
  message: Extract<RelayMessage, { readonly type: 'inbox' }>,
): void => {
  if (shared.store.neighbours) return;
  for (const owner of shared.sessionsOf(principal)) owner.tellOfMessage(message);
};

const read = (
  shared: Shared,
  principal: Uint8Array,
  { request, after }: Message<'inbox-read'>,
): Awaitable<RelayMessage> => {
  const { store, limits } = shared;
  return whenRead(store.inbox(principal), (record) =>
    whenRead(store.readInbox(principal, after, limits.readBytes), ({ messages, complete }) => {
      const { version, tokens } = record ?? { version: 0, tokens: [] };
      return { type: 'inbox-result', request, version, tokens, complete, messages };
    }),
  );
};

const remove = (
  shared: Shared,
  session: Session,
  principal: Uint8Array,
  { request, numbers }: Message<'inbox-remove'>,
): RelayMessage | undefined => {
  if (shared.isStopping()) return refusal(request, 'SHUTTING_DOWN');
  return durably(shared, session, {
    request,
    bytes: 0,
    write: () => shared.store.removeFromInbox(principal, numbers),
    written: () => session.sendMessage({ type: 'accepted', request }),
  });
};
