// The account document: chats with their keys, names of devices and of the person, and the book of other people, shared
// by own devices. Rules: spec/log-document.md §5, spec/contacts.md §3.
import { type Book, createBook } from '../contacts/book.ts';
import type { ChatEntry, DeviceEntry, Entry, PersonEntry } from '../logdoc/entries.ts';
import type { Page } from '../room/page.ts';

/** What the account document says, reduced: the newest entry wins where there may be only one. */
export interface AccountState {
  readonly chats: ReadonlyMap<string, ChatEntry>;
  /** By chat id: secrets of other rooms of it, base64url, with who sent each; see spec/chats.md §4. */
  readonly rooms: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly devices: ReadonlyMap<string, DeviceEntry>;
  readonly personName: string;
  /** Private account keys that were handed over, base64url. */
  readonly keys: ReadonlySet<string>;
  /** Cards, contacts, requests, mail and alerts. */
  readonly book: Book;
}

/** Reads a page of the account document as it is and as it grows. `onChange` is called after each change. */
export const readAccount = (page: Page, onChange: () => void) => {
  const readAll = () => {
    const reduced = createReduction();
    for (const { entry } of page.entries()) reduced.take(entry);
    return reduced;
  };
  let reduced = readAll();
  page.onChange(({ added }) => {
    for (const { entry } of added) reduced.take(entry);
    onChange();
  });
  page.onReset(() => {
    reduced = readAll();
    onChange();
  });
  return { get: (): AccountState => reduced.state() };
};

const createReduction = () => {
  const chats = new Map<string, ChatEntry>();
  const rooms = new Map<string, Map<string, string>>();
  const devices = new Map<string, DeviceEntry>();
  const person = new Map<string, PersonEntry>();
  const keys = new Set<string>();
  const { book, take: takeOfBook } = createBook();
  return {
    state: (): AccountState => ({ chats, rooms, devices, personName: person.get('me')?.n ?? '', keys, book }),
    take(entry: Entry): void {
      takeOfBook(entry);
      if (entry.k === 'chat') putNewest(chats, entry.id, entry);
      if (entry.k === 'room') {
        const known = rooms.get(entry.id) ?? new Map<string, string>();
        rooms.set(entry.id, known);
        // Of several senders of one secret the same on every device.
        if (entry.f <= (known.get(entry.s) ?? entry.f)) known.set(entry.s, entry.f);
      }
      if (entry.k === 'device') putNewest(devices, entry.id, entry);
      if (entry.k === 'key') keys.add(entry.s);
      if (entry.k === 'me') putNewest(person, 'me', entry);
    },
  };
};

/** Concurrent entries for one thing: the later stamp wins, and of equal stamps the greater text, on every device alike. */
const putNewest = <E extends Entry>(map: Map<string, E>, id: string, entry: E): void => {
  const known = map.get(id);
  if (!known || entry.t > known.t || (entry.t === known.t && JSON.stringify(entry) > JSON.stringify(known)))
    map.set(id, entry);
};
