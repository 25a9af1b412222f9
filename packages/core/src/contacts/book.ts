// What the account document says about other people, reduced from entries in any order. Rules: spec/contacts.md §3.

import type {
  AlertEntry,
  CardEntry,
  ContactEntry,
  ContactsEntry,
  MailEntry,
  RequestEntry,
  VerifiedEntry,
} from '../logdoc/contact-entries.ts';
import type { Entry } from '../logdoc/entries.ts';

/** The book of one account. Maps are live: they grow as entries come. */
export interface Book {
  /** By token, hexadecimal. */
  readonly cards: ReadonlyMap<string, CardEntry>;
  /** By account root, hexadecimal. */
  readonly contacts: ReadonlyMap<string, ContactEntry>;
  /** Device log entries of all `contact` entries, by account root; base64url, each once. */
  readonly logs: ReadonlyMap<string, ReadonlySet<string>>;
  /** By message id. */
  readonly requests: ReadonlyMap<string, RequestEntry>;
  /** The content of a request, whichever of its entries had it; base64url, by message id. */
  readonly contents: ReadonlyMap<string, string>;
  readonly mail: ReadonlyMap<string, MailEntry>;
  /** By account root. */
  readonly verified: ReadonlyMap<string, VerifiedEntry>;
  readonly alerts: ReadonlyMap<string, AlertEntry>;
  /** Whether a message of this id was dealt with, or waits for a person. */
  knows(messageId: string): boolean;
}

/** @returns the book, and the way to put entries into it; entries of other kinds leave it as it is. */
export const createBook = (): { readonly book: Book; take(entry: Entry): void } => {
  const cards = new Map<string, CardEntry>();
  const contacts = new Map<string, ContactEntry>();
  const logs = new Map<string, Set<string>>();
  const requests = new Map<string, RequestEntry>();
  const contents = new Map<string, string>();
  const mail = new Map<string, MailEntry>();
  const verified = new Map<string, VerifiedEntry>();
  const alerts = new Map<string, AlertEntry>();
  const seen = new Set<string>();
  const takers: { readonly [K in ContactsEntry['k']]: (entry: Extract<ContactsEntry, { k: K }>) => void } = {
    card: (entry) => put(cards, entry, ({ v }) => Number(!v)),
    contact(entry) {
      put(contacts, entry, ({ s }) => Number(s === 'known'));
      const log = logs.get(entry.id) ?? new Set();
      for (const item of entry.l) log.add(item);
      logs.set(entry.id, log);
    },
    request(entry) {
      put(requests, entry, ({ s }) => REQUEST_RANK[s]);
      const known = contents.get(entry.id);
      if (entry.b !== undefined && (known === undefined || entry.b > known)) contents.set(entry.id, entry.b);
    },
    mail: (entry) => put(mail, entry, ({ s }) => Number(s === 'sent')),
    seen: ({ id }) => void seen.add(id),
    verified: (entry) => put(verified, entry, () => 0),
    alert: (entry) => put(alerts, entry, ({ v }) => Number(!v)),
  };
  return {
    book: {
      cards,
      contacts,
      logs,
      requests,
      contents,
      mail,
      verified,
      alerts,
      knows: (messageId) => seen.has(messageId) || requests.has(messageId),
    },
    take: (entry) => (takers[entry.k as ContactsEntry['k']] as ((of: Entry) => void) | undefined)?.(entry),
  };
};

const REQUEST_RANK = { pending: 0, declined: 1, accepted: 2 } as const;

/** The higher rank counts, then the later stamp, then the greater text: on every device alike. */
const put = <E extends ContactsEntry>(map: Map<string, E>, entry: E, rank: (entry: E) => number): void => {
  const known = map.get(entry.id);
  const order =
    known === undefined
      ? 1
      : rank(entry) - rank(known) ||
        entry.t - known.t ||
        (JSON.stringify(entry) > JSON.stringify(known) ? 1 : 0);
  if (order > 0) map.set(entry.id, entry);
};
