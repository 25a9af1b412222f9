// A store whose reads take time and overtake each other, as those over a network do. Rules it serves: spec/relay-protocol.md §7.
import type { Random } from '@sealwire/testkit/random';
import type { LocalStore, LogStore } from '../src/index.ts';

/** The store with answers that come at any later moment; each is as the store was when it was asked, or as it is when it answers. */
export const slowStore = (store: LocalStore, soon: (run: () => void) => void, random: Random): LogStore => {
  const later =
    <A extends unknown[], R>(read: (...args: A) => R) =>
    (...args: A): Promise<R> =>
      new Promise((resolve) => {
        const early = random.int(2) === 0 ? read(...args) : undefined;
        soon(() => resolve(early ?? read(...args)));
      });
  return {
    ...store,
    principal: later(store.principal),
    principalOf: later(store.principalOf),
    farewell: later(store.farewell),
    room: later(store.room),
    head: later(store.head),
    read: later(store.read),
    usage: later(store.usage),
    inbox: later(store.inbox),
    readInbox: later(store.readInbox),
  };
};
