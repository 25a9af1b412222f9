// The other people of a device: cards, contacts, requests, alerts, wired to its account document, directory and engine.
// Rules: spec/contacts.md.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import type { Alert, Contact, ContactRequest, Evidence, SafetyNumber } from '../api.ts';
import { fromBase64Url, fromHex } from '../bytes.ts';
import { type AlertSources, alertsDue, isOwnDoing } from '../contacts/alerts.ts';
import { type Card, encodeCard, isRelayAddress, parseCard } from '../contacts/card.ts';
import { type Content, type InviteContent, logForMessage } from '../contacts/content.ts';
import {
  acceptEntries,
  askEntries,
  declineEntries,
  type JudgeContext,
  type Unstamped,
} from '../contacts/judge.ts';
import { sealMessage, signContent, verifyContent } from '../contacts/messages.ts';
import { createPost, type Parcel } from '../contacts/post.ts';
import { hpkeKeyPair } from '../crypto/hpke.ts';
import { activeDevices, isActive } from '../identity/device-log.ts';
import { type DeviceGenesis, decodeEntryBytes, type SignedEntry } from '../identity/log-entry.ts';
import {
  compareSafetyCode,
  type SafetyPair,
  type SafetyVerdict,
  safetyNumber,
} from '../identity/safety-number.ts';
import type { CardEntry, MailEntry } from '../logdoc/contact-entries.ts';
import { stampMs } from '../logdoc/stamp.ts';
import { printableName } from '../names.ts';
import { type Edge, PLATFORM_EDGE } from '../sync/edge.ts';
import type { Core } from './core.ts';

export interface ContactsOptions {
  readonly core: Core;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** The relay's address, which cards carry as a hint. */
  readonly relay: string;
  readonly edge?: Edge;
  readonly report: (evidence: Evidence) => void;
  readonly fault: (error: unknown) => void;
  /** What an invitation to a chat says; undefined while it cannot be sent, `void` if it is owed no more. */
  readonly invitation: (chatId: string, accountId: string) => InvitationFields | 'void' | undefined;
  /** Entries that chats owe the account document. */
  readonly due: () => readonly Unstamped[];
}

export type InvitationFields = Pick<InviteContent, 'chat' | 'secret' | 'title' | 'entries'>;

/** What a person who gave no printable name is called in cards and messages. */
const NAMELESS = 'Somebody';

export const createContacts = (options: ContactsOptions) => {
  const { core, now, randomBytes } = options;
  const book = () => core.accountState().book;
  const ownId = toHex(core.deviceId);
  const judge: Omit<JudgeContext, 'book'> = {
    roomsOf(chatId) {
      const { chats, rooms } = core.accountState();
      const made = chats.get(chatId);
      return made && new Map([...(rooms.get(chatId) ?? []), [made.s, '']]);
    },
    deviceId: ownId,
    randomBytes,
  };
  const context = (): JudgeContext => ({ ...judge, book: book() });

  const write = async (entries: readonly Unstamped[]): Promise<void> => {
    if (entries.length > 0) await core.writeAccount(...entries);
  };

  /** The newest live token of a kind, and the entry that makes one where there is none. */
  const token = (
    q: CardEntry['q'],
  ): { readonly token: Uint8Array; readonly entries: readonly Unstamped[] } => {
    const live = [...book().cards.values()].filter((card) => card.v && card.q === q);
    const [newest] = live.sort((a, b) => b.t - a.t || (a.id < b.id ? -1 : 1));
    if (newest) return { token: fromHex(newest.id), entries: [] };
    const made = randomBytes(16);
    return { token: made, entries: [{ k: 'card', id: toHex(made), q, v: true }] };
  };

  const address = (of: Uint8Array) => {
    const relayId = core.engine.relayId();
    if (!relayId)
      throw new SealwireError(
        'RELAY_UNREACHABLE',
        'This needs the relay: connect to the network and try again.',
      );
    const relay = isRelayAddress(options.relay) ? options.relay : '';
    return { token: of, relayId, relay, name: printableName(core.accountState().personName, NAMELESS) };
  };

  const contentOf = (mail: MailEntry): Content | 'void' | undefined => {
    const common = {
      id: fromHex(mail.id),
      at: now(),
      author: core.deviceId,
      log: logForMessage(core.deviceLog(), core.deviceId),
      from: address(token('contacts').token),
    };
    if (mail.q === 'accept') return { ...common, type: 'accept', request: fromHex(mail.r) };
    if (mail.q === 'request') {
      const card = fromBase64Url(book().contacts.get(mail.f)?.w ?? '');
      return card && { ...common, type: 'request', card };
    }
    const fields = options.invitation(mail.r, mail.f);
    return fields === 'void' ? fields : fields && { ...common, type: 'invite', ...fields };
  };

  const parcel = async (mail: MailEntry): Promise<Parcel | 'void' | undefined> => {
    const contact = book().contacts.get(mail.f);
    const principal = contact && fromBase64Url(contact.p);
    const to = contact && fromBase64Url(contact.w);
    const key =
      core.directory.log(mail.f)?.accountKeys[0]?.publicKey ?? (contact && fromBase64Url(contact.a));
    if (!principal || !to || !key) return undefined;
    const content = contentOf(mail);
    if (!content || content === 'void') return content;
    const payload = await sealMessage(signContent(content, fromHex(mail.f), core.sign), key);
    return { principal, token: to, payload };
  };

  const post = createPost({
    engine: core.engine,
    account: core.account.id,
    book,
    judge,
    keys: () => core.account.privateKeys().map(hpkeKeyPair).reverse(),
    holdsAllKeys: () =>
      core.deviceLog().accountKeys.every(({ publicKey }) => core.account.privateKey(publicKey) !== undefined),
    isActive: (deviceId) => isActive(core.deviceLog(), deviceId),
    write,
    sent: () => core.accountRoom.sent(),
    parcel,
    now,
    after: (options.edge ?? PLATFORM_EDGE).after,
    report: options.report,
    fault: options.fault,
  });

  /** Entries of the book's logs that the directory was given, base64url. */
  const adopted = new Set<string>();
  const adopt = async (): Promise<void> => {
    for (const [root, log] of book().logs) {
      const fresh = [...log].filter((item) => !adopted.has(item));
      for (const item of fresh) adopted.add(item);
      const entries = fresh.flatMap((item) => {
        const bytes = fromBase64Url(item);
        return bytes ? [decodeEntryBytes(bytes)] : [];
      });
      // What does not verify is not taken: the book is what own devices say, and one of them may be a thief's.
      for (const entry of entries)
        if (entry.entry.type === 'device-genesis' && toHex(entry.hash) === root)
          await core.directory.adopt(entry as SignedEntry<DeviceGenesis>).catch(ignoreRefusal);
      for (const entry of entries) await core.directory.learn(entry).catch(ignoreRefusal);
    }
  };

  const alertSources = (): AlertSources => ({
    book: book(),
    own: core.deviceLog(),
    deviceId: ownId,
    log: (accountId) => core.directory.log(accountId),
    deviceName: (deviceId) => core.accountState().devices.get(deviceId)?.n ?? '',
  });

  let looking = false;
  let lookAgain = false;
  /** Something changed: logs to take up, alerts to write, post to send. */
  const changed = (): void => {
    lookAgain = true;
    if (!looking) void look().catch(options.fault);
  };
  const look = async (): Promise<void> => {
    looking = true;
    try {
      while (lookAgain) {
        lookAgain = false;
        await adopt();
        if (core.vault.problem) continue;
        await write([...alertsDue(alertSources()), ...options.due()]).catch(ignoreRefusal); // The vault reports what it suffers.
        post.kick();
      }
    } finally {
      looking = false;
    }
  };

  const requireRequest = (id: string) => {
    const request = book().requests.get(id);
    if (!request) throw new SealwireError('CONTACT_UNKNOWN', 'There is no such request on this device.');
    return request;
  };

  const acceptRequest = async (id: string): Promise<void> => {
    core.requireWritable();
    if (requireRequest(id).s === 'accepted') return;
    const bytes = fromBase64Url(book().contents.get(id) ?? '');
    const message = bytes && (await verifyContent(bytes, core.account.id, undefined));
    if (!message) throw new SealwireError('CONTACT_UNKNOWN', 'There is nothing left to accept.');
    await write([...token('contacts').entries, ...acceptEntries(message, context())]);
  };

  const readCard = (text: string): Card => {
    const card = parseCard(text);
    if (sameBytes(card.account, core.account.id))
      throw new SealwireError('CARD_INVALID', 'This card is your own: scan that of the other person.');
    if (!sameBytes(card.relayId, address(card.token).relayId))
      throw new SealwireError(
        'CARD_OTHER_RELAY',
        'This card is of another relay: use the same relay on both sides.',
      );
    return card;
  };

  const pairWith = (accountId: string): SafetyPair => ({
    mine: core.account.id,
    theirs: fromHex(accountId),
  });

  return {
    changed,
    pending: () => post.pending(),
    /** Text of a card for a QR code or a link. Lets whoever has it ask to be a contact. */
    async createCard(): Promise<string> {
      core.requireWritable();
      const shown = token('shown');
      const card = encodeCard({
        ...address(shown.token),
        account: core.account.id,
        principal: core.self().log.genesis.principal,
        accountKey: core.deviceLog().accountKeys[0]!.publicKey,
      });
      await write([...shown.entries, ...token('contacts').entries]);
      await post.whenListed();
      return card;
    },
    /** Takes back all cards that were shown: see spec/contacts.md, CT27. */
    async withdrawCards(): Promise<void> {
      core.requireWritable();
      const live = [...book().cards.values()].filter(({ v, q }) => v && q === 'shown');
      await write(live.map(({ k, id, q }) => ({ k, id, q, v: false })));
    },
    async addContact(text: string): Promise<void> {
      core.requireWritable();
      const card = readCard(text);
      const root = toHex(card.account);
      const asks = [...book().requests.values()].find(
        ({ f, q, s }) => f === root && q === 'contact' && s !== 'accepted',
      );
      // Who asked already and is asked now needs no question any more.
      if (asks && book().contents.has(asks.id)) return acceptRequest(asks.id);
      const entries = askEntries(card, context());
      if (entries.length > 0) await write([...token('contacts').entries, ...entries]);
    },
    contacts: (): readonly Contact[] =>
      [...book().contacts.values()]
        .map(({ id, s, n }) => {
          const log = core.directory.log(id);
          const verified = s === 'known' && book().verified.get(id)?.v === true;
          return { accountId: id, name: n, verified, state: s, devices: log ? activeDevices(log).length : 0 };
        })
        .sort((a, b) => a.name.localeCompare(b.name) || (a.accountId < b.accountId ? -1 : 1)),
    requests: (): readonly ContactRequest[] =>
      [...book().requests.values()]
        .filter(({ s }) => s === 'pending')
        .sort((a, b) => b.t - a.t || (a.id < b.id ? -1 : 1))
        .map(({ id, q, f, n, h, t }) => {
          const title = h !== undefined && { title: h };
          return { id, kind: q, accountId: f, name: n, ...title, at: stampMs(t) };
        }),
    acceptRequest,
    async declineRequest(id: string): Promise<void> {
      core.requireWritable();
      requireRequest(id);
      await write(declineEntries(book(), id));
    },
    safetyNumber: (accountId: string): SafetyNumber => safetyNumber(pairWith(accountId)),
    compareSafety: (accountId: string, scanned: string): SafetyVerdict =>
      compareSafetyCode(scanned, pairWith(accountId), [...book().contacts.keys()].map(fromHex)),
    async markVerified(accountId: string, verified: boolean): Promise<void> {
      core.requireWritable();
      if (book().contacts.get(accountId)?.s !== 'known')
        throw new SealwireError('CONTACT_UNKNOWN', 'There is no such contact on this device.');
      await write([{ k: 'verified', id: accountId, v: verified }]);
    },
    alerts: (): readonly Alert[] =>
      [...book().alerts.values()]
        .filter((alert) => alert.v && !isOwnDoing(alertSources(), alert))
        .sort((a, b) => b.t - a.t || (a.id < b.id ? -1 : 1))
        .map(({ id, q, f, d, n, t }) => {
          const own = f === core.accountId;
          const name = own ? (core.accountState().devices.get(d)?.n ?? n) : (book().contacts.get(f)?.n ?? n);
          const of = { ...(d !== '' && { deviceId: d }), ...(!own && { accountId: f }) };
          return { id, kind: q, at: stampMs(t), ...of, name };
        }),
    async dismissAlert(id: string): Promise<void> {
      core.requireWritable();
      const alert = book().alerts.get(id);
      if (!alert) throw new RangeError('id: there is no such alert');
      const { t: _, ...rest } = alert;
      if (alert.v) await write([{ ...rest, v: false }]);
    },
    /** @throws SealwireError CONTACT_UNKNOWN unless this is a contact who has answered. */
    requireKnown(accountId: string): void {
      if (book().contacts.get(accountId)?.s !== 'known' || !core.directory.log(accountId))
        throw new SealwireError('CONTACT_UNKNOWN', 'This is no contact who has answered: ask them first.');
    },
    close: () => post.close(),
  };
};

export type Contacts = ReturnType<typeof createContacts>;

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
