// The account document: chats with their keys, names of devices and of the person, shared by own devices. Rules:
// spec/log-document.md §5.
import type { ChatEntry, DeviceEntry, Entry, PersonEntry } from '../logdoc/entries.ts';
import type { Page } from '../room/page.ts';

/** What the account document says, reduced: the newest entry wins where there may be only one. */
export interface AccountState {
  readonly chats: ReadonlyMap<string, ChatEntry>;
  readonly devices: ReadonlyMap<string, DeviceEntry>;
  readonly personName: string;
}

/** Reads a page of the account document as it is and as it grows. `onChange` is called after each change. */
export const readAccount = (page: Page, onChange: () => void) => {
  const chats = new Map<string, ChatEntry>();
  const devices = new Map<string, DeviceEntry>();
  const person = new Map<string, PersonEntry>();
  const take = (entry: Entry): void => {
    if (entry.k === 'chat') putNewest(chats, entry.id, entry);
    if (entry.k === 'device') putNewest(devices, entry.id, entry);
    if (entry.k === 'me') putNewest(person, 'me', entry);
  };
  for (const { entry } of page.entries()) take(entry);
  page.onChange(({ added }) => {
    for (const { entry } of added) take(entry);
    onChange();
  });
  return {
    get: (): AccountState => ({ chats, devices, personName: person.get('me')?.n ?? '' }),
  };
};

/** Concurrent entries for one thing: the later stamp wins, and of equal stamps the greater text, on every device alike. */
const putNewest = <E extends Entry>(map: Map<string, E>, id: string, entry: E): void => {
  const known = map.get(id);
  if (!known || entry.t > known.t || (entry.t === known.t && JSON.stringify(entry) > JSON.stringify(known)))
    map.set(id, entry);
};
