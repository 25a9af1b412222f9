// The account's post: keeps the relay's list of tokens, reads the inbox, sends what is due. One round at a time; what a
// message comes to is judge.ts's. Rules: spec/contacts.md §4.
import {
  compareBytes,
  fromHex,
  INBOX_TOKEN_LABEL,
  type InboxMessage,
  LIMITS,
  SealwireError,
  toHex,
} from '@sealwire/protocol';
import { sha256 } from '#native';
import type { Evidence } from '../api.ts';
import { utf8 } from '../bytes.ts';
import type { HpkeKeyPair } from '../crypto/hpke.ts';
import type { MailEntry } from '../logdoc/contact-entries.ts';
import { stampMs } from '../logdoc/stamp.ts';
import type { Engine } from '../sync/engine.ts';
import type { Book } from './book.ts';
import { type JudgeContext, judgeMessage, type Unstamped } from './judge.ts';
import { openMessage, type VerifiedMessage, verifyContent } from './messages.ts';

/** Another own device sends a mail after this long, in case the one that decided it is gone. */
export const TAKE_OVER_MS = 10 * 60_000;
/** After a refusal for the moment, and for mail that cannot be built yet. */
const RETRY_MS = 5_000;
/** After an inbox did not take a token. */
const RETURNED_MS = 30_000;

/** A mail as it goes to the relay. */
export interface Parcel {
  /** Principal of the recipient, 32 bytes. */
  readonly principal: Uint8Array;
  /** Token of the recipient's inbox, 16 bytes. */
  readonly token: Uint8Array;
  /** Sealed. */
  readonly payload: Uint8Array;
}

export interface PostOptions {
  readonly engine: Pick<Engine, 'request' | 'onInbox' | 'onConnection'>;
  /** The own account root, 32 bytes. */
  readonly account: Uint8Array;
  readonly book: () => Book;
  readonly judge: Omit<JudgeContext, 'book'>;
  /** Private account keys that this device holds, the one in use first. */
  readonly keys: () => readonly HpkeKeyPair[];
  /** True if this device holds the private key of every account key that counts. */
  readonly holdsAllKeys: () => boolean;
  /** Whether an own device, by id in hexadecimal, may still act for the account. */
  readonly isActive: (deviceId: string) => boolean;
  /** Puts entries into the account document, at once. */
  readonly write: (entries: readonly Unstamped[]) => Promise<void>;
  /** Resolves when the relay has all that was written: then no own device can lose it any more. */
  readonly sent: () => Promise<void>;
  /** Makes what goes out for a mail; undefined while that cannot be, `void` if it is owed no more. */
  readonly parcel: (mail: MailEntry) => Promise<Parcel | 'void' | undefined>;
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly report: (evidence: Evidence) => void;
  readonly fault: (error: unknown) => void;
}

interface Arrived {
  readonly payload: Uint8Array;
  /** The content, once it was opened, and who is proven to say it. */
  opened?: Uint8Array | undefined;
  verified?: VerifiedMessage;
}

/** Runs from the first connection until it is closed. */
export const createPost = (options: PostOptions) => {
  const { engine, now } = options;
  const arrived = new Map<number, Arrived>();
  /** Mail that the relay refused: the recipient's card may be revoked, or not known at the relay yet. */
  const returned = new Set<string>();
  const told = new Set<string>();
  const listedWaiters = new Set<() => void>();
  let online = false;
  let closed = false;
  /** The relay said that something waits: it does so when a connection begins, then it hands over what comes. */
  let readAll = false;
  /** The cards, live and revoked, with which the relay's list was last compared. */
  let listed = '';
  let wanted = false;
  let running = false;
  let cancelRetry: (() => void) | undefined;
  const timers = new Set<() => void>();

  const keep = ({ number, payload }: InboxMessage): void => {
    if (!arrived.has(number)) arrived.set(number, { payload: payload.slice() });
  };

  const cardsName = (): string =>
    [...options.book().cards.values()]
      .map(({ id, v }) => `${id}${v}`)
      .sort()
      .join();
  const settleListed = (): void => {
    for (const waiter of listedWaiters) waiter();
    listedWaiters.clear();
  };

  const listTokens = async (): Promise<void> => {
    const cards = [...options.book().cards.values()];
    const name = cardsName();
    if (name === listed) return;
    for (;;) {
      const { version, tokens } = await ask('inbox-result', (request) => ({
        type: 'inbox-read',
        request,
        after: Number.MAX_SAFE_INTEGER,
      }));
      const next = tokensFor(cards, tokens);
      try {
        if (next.map(toHex).join() !== tokens.map(toHex).join())
          await ask('done', (request) => ({
            type: 'put-inbox',
            request,
            version: version + 1,
            tokens: next,
          }));
        listed = name;
        if (name === cardsName()) settleListed();
        return;
      } catch (error) {
        if (!isCode(error, 'VERSION_CONFLICT')) throw error;
      }
    }
  };

  const read = async (): Promise<void> => {
    for (let complete = false; !complete; ) {
      const result = await ask('inbox-result', (request) => ({
        type: 'inbox-read',
        request,
        after: Math.max(0, ...arrived.keys()),
      }));
      result.messages.forEach(keep);
      complete = result.complete || result.messages.length === 0;
    }
    readAll = false;
  };

  /** Judges what is here. @returns the numbers of what may go from the relay. */
  const judgeAll = async (): Promise<number[]> => {
    const done: number[] = [];
    for (const [number, message] of [...arrived].sort(([a], [b]) => a - b))
      if (await judgeOne(message)) done.push(number);
    return done;
  };

  /** @returns true if the message was dealt with. */
  const judgeOne = async (message: Arrived): Promise<boolean> => {
    try {
      message.opened ??= await openMessage(message.payload, options.keys());
      if (!message.opened) {
        if (!options.holdsAllKeys()) return false;
        throw refused('no key of this account opens it');
      }
      message.verified ??= await verifyContent(message.opened, options.account, now());
      const verdict = judgeMessage(message.verified, message.opened, {
        ...options.judge,
        book: options.book(),
      });
      if (verdict.type === 'later') return false;
      if (verdict.type === 'refuse') throw refused(verdict.why);
      if (verdict.entries.length > 0) await options.write(verdict.entries);
      return true;
    } catch (error) {
      if (!(error instanceof SealwireError) || !JUDGED.has(error.code)) throw error;
      // What a later version can read waits for it, as long as there is room.
      if (error.code === 'UNSUPPORTED_VERSION' && arrived.size <= LIMITS.inboxMessages / 2) return false;
      options.report({ code: error.code, message: error.message, bytes: message.payload });
      return true;
    }
  };

  const takeIn = async (): Promise<void> => {
    if (readAll) await read();
    const numbers = await judgeAll();
    if (numbers.length === 0) return;
    await options.sent();
    for (let at = 0; at < numbers.length; at += LIMITS.inboxMessages) {
      const part = numbers.slice(at, at + LIMITS.inboxMessages);
      await ask('accepted', (request) => ({ type: 'inbox-remove', request, numbers: part }));
      for (const number of part) arrived.delete(number);
    }
  };

  const sendOut = async (): Promise<void> => {
    const due = [...options.book().mail.values()].filter(
      (mail) => mail.s === 'due' && !returned.has(mail.id) && isMine(mail, options),
    );
    if (due.length > 0) await options.sent();
    let waits = false;
    for (const mail of due) {
      const parcel = await options.parcel(mail);
      if (!parcel) {
        waits = true;
        continue;
      }
      try {
        if (parcel !== 'void')
          await ask('accepted', (request) => ({ type: 'inbox-append', request, ...parcel }));
        await options.write([{ ...unstamped(mail), s: 'sent' }]);
      } catch (error) {
        if (!isCode(error, 'INBOX_REFUSED')) throw error;
        returned.add(mail.id);
        again(RETURNED_MS, () => returned.delete(mail.id));
        if (told.has(mail.id)) continue;
        told.add(mail.id);
        const message =
          'An inbox does not take a message of this account: if it stays so, ask for a new card.';
        options.report({ code: 'INBOX_REFUSED', message });
      }
    }
    if (waits) retryLater();
  };

  const ask = async <T extends Answer['type']>(type: T, build: Parameters<Engine['request']>[0]) => {
    const answer = await engine.request(build);
    if (answer.type !== type)
      throw new SealwireError('UNEXPECTED_MESSAGE', 'The relay answered something else.');
    return answer as Extract<Answer, { type: T }>;
  };

  const again = (ms: number, before: () => void = () => undefined): void => {
    if (closed || !online) return;
    const cancel = options.after(ms, () => {
      timers.delete(cancel);
      before();
      kick();
    });
    timers.add(cancel);
  };
  const cancelAll = (): void => {
    for (const cancel of timers) cancel();
    timers.clear();
  };
  const retryLater = (): void => {
    cancelRetry?.();
    if (!closed && online) cancelRetry = options.after(RETRY_MS, kick);
  };

  const step = async (run: () => Promise<void>): Promise<void> => {
    if (!online || closed) return;
    try {
      await run();
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      if (error.code === 'RELAY_UNREACHABLE' || error.code.startsWith('STORAGE_')) return; // Both say so themselves.
      if (!PASSING.has(error.code)) options.report({ code: error.code, message: error.message });
      retryLater();
    }
  };

  const run = async (): Promise<void> => {
    running = true;
    try {
      while (wanted && online && !closed) {
        wanted = false;
        await step(listTokens);
        await step(takeIn);
        await step(sendOut);
      }
    } catch (error) {
      options.fault(error);
    } finally {
      running = false;
    }
  };

  const kick = (): void => {
    wanted = true;
    if (!running && online && !closed) void run();
  };

  const stops = [
    engine.onConnection((connection) => {
      if ((connection === 'online') === online) return;
      online = connection === 'online';
      returned.clear();
      cancelRetry?.();
      cancelAll();
      if (online) {
        kick();
        return;
      }
      readAll = false;
      arrived.clear();
      settleListed();
    }),
    engine.onInbox((event) => {
      if (event.type === 'inbox') keep(event);
      else readAll = true;
      kick();
    }),
  ];

  return {
    /** Something changed that post may hang on: a card, a decision, a key, a room. */
    kick,
    /** Resolves when the relay knows all cards, or there is no connection that could tell it. */
    whenListed: (): Promise<void> =>
      new Promise((resolve) => {
        if (!online || closed || cardsName() === listed) return resolve();
        listedWaiters.add(resolve);
        kick();
      }),
    /** Mail of this account that has not left. */
    pending: (): number => [...options.book().mail.values()].filter(({ s }) => s === 'due').length,
    close(): void {
      closed = true;
      cancelRetry?.();
      cancelAll();
      settleListed();
      for (const stop of stops) stop();
    },
  };
};

export type Post = ReturnType<typeof createPost>;

/**
 * What the relay's list is to be: all that it has but for what was revoked, and all live ones. What this device does not
 * know may be a card that another own device made a moment ago.
 *
 * @param listed - hashes as the relay has them.
 * @returns hashes, ascending; at most as many as it takes.
 */
export const tokensFor = (
  cards: readonly { readonly id: string; readonly v: boolean; readonly t: number }[],
  listed: readonly Uint8Array[],
): Uint8Array[] => {
  const hashed = cards.map((card) => ({ ...card, hash: hashOfToken(fromHex(card.id)) }));
  const known = new Set(hashed.map(({ hash }) => toHex(hash)));
  const live = hashed.filter(({ v }) => v).sort((a, b) => b.t - a.t);
  const unknown = listed.filter((hash) => !known.has(toHex(hash)));
  return [...live.map(({ hash }) => hash), ...unknown].slice(0, LIMITS.inboxTokens).sort(compareBytes);
};

/** What a relay keeps of a token. */
export const hashOfToken = (token: Uint8Array): Uint8Array => sha256(utf8(INBOX_TOKEN_LABEL), token);

type Answer = Extract<Awaited<ReturnType<Engine['request']>>, { type: 'inbox-result' | 'done' | 'accepted' }>;

const isMine = (
  { d, t }: MailEntry,
  { judge, isActive, now }: Pick<PostOptions, 'judge' | 'isActive' | 'now'>,
): boolean => d === judge.deviceId || !isActive(d) || now() - stampMs(t) >= TAKE_OVER_MS;

const unstamped = ({ t: _, ...rest }: MailEntry): Omit<MailEntry, 't'> => rest;

const isCode = (error: unknown, code: string): boolean =>
  error instanceof SealwireError && error.code === code;

/** What is wrong with a message itself. */
const JUDGED: ReadonlySet<string> = new Set(['INBOX_MESSAGE_REFUSED', 'UNSUPPORTED_VERSION']);
/** What passes by itself: it is tried again and not spoken of. */
const PASSING: ReadonlySet<string> = new Set([
  'LIMIT_REACHED',
  'INBOX_FULL',
  'STORE_FULL',
  'STORE_FAILED',
  'SHUTTING_DOWN',
  'TOO_SLOW',
]);

const refused = (why: string): SealwireError =>
  new SealwireError('INBOX_MESSAGE_REFUSED', `An inbox message was refused: ${why}.`);
