// Writes in the pages of one chat: chooses the page, and has a provider attached wherever something is written. Rules:
// spec/pages.md §1, spec/vault.md "The socket".
import { pageStream } from '@sealwire/protocol';
import { isFull, PAGE_LIMITS, pageToWrite } from './logdoc/page-choice.ts';
import type { Page } from './room/page.ts';
import type { Room } from './room/room.ts';
import { openProvider } from './sync/provider.ts';

/** @param isOpen - whether the chat is open: what ends while a provider is attached lets go of it at once. */
export const createChatWriter = (room: Room, isOpen: () => boolean) => {
  const limits = room.options.pageLimits ?? PAGE_LIMITS;
  /** Providers that are attached or on their way, and how many need them. */
  const attached = new Map<string, { readonly release: Promise<() => void>; users: number }>();
  let page = 0;
  /** The page whose provider stays while the chat is open: the one to write on next. */
  let kept: string | undefined;

  const choose = (): string => {
    page = pageToWrite(page, (number) => room.size(pageStream(number)), limits);
    return pageStream(page);
  };

  const attach = (stream: string): Promise<unknown> => {
    const known = attached.get(stream);
    if (known) {
      known.users += 1;
      return known.release;
    }
    const release = openProvider(room, room.page(stream));
    attached.set(stream, { release, users: 1 });
    return release;
  };

  const detach = (stream: string): void => {
    const known = attached.get(stream);
    if (!known) return;
    known.users -= 1;
    if (known.users > 0) return;
    attached.delete(stream);
    void known.release.then((release) => release());
  };

  /** Runs `write` on a page while a provider hears it. */
  const on = async (stream: string, write: (page: Page) => void): Promise<void> => {
    await attach(stream);
    try {
      write(room.page(stream));
    } finally {
      detach(stream);
    }
  };

  /** Has a provider attached to the page that is to be written on next. */
  const keep = async (): Promise<void> => {
    const stream = choose();
    if (stream === kept || !isOpen()) return;
    const before = kept;
    kept = stream;
    if (before !== undefined) detach(before);
    await attach(stream);
  };

  return {
    on,
    keep,
    /** The page that is to be written on next. */
    choose,
    /**
     * Appends entries in order, on as many pages as they need. @returns their ids.
     * @param makers - called as each is written: stamps rise in that order.
     */
    async append(makers: readonly (() => Uint8Array)[]): Promise<string[]> {
      const ids: string[] = [];
      while (ids.length < makers.length) {
        const stream = choose();
        await keep();
        await on(stream, (to) => {
          if (choose() !== stream) return; // Somebody else filled it meanwhile.
          let { entries, bytes } = room.size(stream);
          to.doc.transact(() => {
            while (ids.length < makers.length && !isFull({ entries, bytes }, limits)) {
              const entry = makers[ids.length]!();
              ids.push(to.append(entry));
              entries += 1;
              bytes += entry.length;
            }
          });
        });
      }
      return ids;
    },
    /** The chat is not open any more. */
    close(): void {
      if (kept !== undefined) detach(kept);
      kept = undefined;
    },
  };
};

export type ChatWriter = ReturnType<typeof createChatWriter>;
