// The account document: chats with their keys, names of devices and of the person, shared by own devices. Rules:
// spec/log-document.md §5.
import type { ChatEntry, DeviceEntry, Entry } from '../logdoc/entries.ts';
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
  let person = { t: -1, n: '' };
  const take = (entry: Entry): void => {
    if (entry.k === 'chat') putNewest(chats, entry);
    if (entry.k === 'device') putNewest(devices, entry);
    if (entry.k === 'me' && entry.t > person.t) person = entry;
  };
  for (const { entry } of page.entries()) take(entry);
  page.onChange(({ added }) => {
    for (const { entry } of added) take(entry);
    onChange();
  });
  return {
    get: (): AccountState => ({ chats, devices, personName: person.n }),
  };
};

/** Concurrent entries of one id: the later stamp wins, and of equal stamps the greater text, on every device alike. */
const putNewest = <E extends ChatEntry | DeviceEntry>(map: Map<string, E>, entry: E): void => {
  const known = map.get(entry.id);
  if (!known || entry.t > known.t || (entry.t === known.t && JSON.stringify(entry) > JSON.stringify(known)))
    map.set(entry.id, entry);
};
