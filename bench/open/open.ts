// Run by itself: opens the chat once, from a file to the newest screen, and prints what that took.
// Arguments: `ours` or `yjs`, the folder of build.ts, and for ours the chat's id. Prints { cpuMs, memoryMb, held, screen, all }.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImportedMessage } from '@sealwire/core';
import { lineOf, SCREEN } from './chat.ts';

export interface Opened {
  /** Processor time, of all threads. */
  readonly cpuMs: number;
  /** What is held more than before, garbage collected. */
  readonly memoryMb: number;
  /** Messages in the chat, as it says itself before they are loaded. */
  readonly held: number;
  /** Digest of the newest screen, and of all messages in order. */
  readonly screen: string;
  readonly all: string;
}

/** What stays open, to show more. */
interface Chat {
  readonly length: number;
  readonly screen: readonly ImportedMessage[];
  readonly all: () => Promise<readonly ImportedMessage[]>;
  readonly close: () => Promise<void>;
}

const loadOurs = async () => ({
  ...(await import('@sealwire/core')),
  ...(await import('@sealwire/core/node')),
});

const openOurs = async (
  core: Awaited<ReturnType<typeof loadOurs>>,
  folder: string,
  chatId: string,
): Promise<Chat> => {
  const storage = core.fileStorage(join(folder, 'device'));
  const device = await core.openDevice({ storage, relay: 'ws://127.0.0.1:9', offline: true });
  const chat = await device.openChat(chatId);
  const toImported = (messages: ReturnType<typeof chat.timeline.get>): ImportedMessage[] =>
    messages.map(({ text, origin }) => ({ name: origin!.name, sentAt: origin!.sentAt, text }));
  const timeline = chat.timeline.get();
  return {
    length: timeline.length + chat.status.get().older,
    screen: toImported(timeline.slice(-SCREEN)),
    async all() {
      await chat.loadOlder(0);
      return toImported(chat.timeline.get());
    },
    close: () => device.close(),
  };
};

const openYjs = async (Y: typeof import('yjs'), folder: string): Promise<Chat> => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await readFile(join(folder, 'plain.bin')));
  const array = doc.getArray<string>('messages');
  const parsed = (texts: readonly string[]): ImportedMessage[] =>
    texts.map((text) => JSON.parse(text) as ImportedMessage);
  return {
    length: array.length,
    screen: parsed(array.slice(Math.max(0, array.length - SCREEN))),
    all: async () => parsed(array.toArray()),
    close: async () => doc.destroy(),
  };
};

const held = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const digest = (messages: readonly ImportedMessage[]): string => {
  const hash = createHash('sha256');
  for (const message of messages) hash.update(`${lineOf(message)}\n`);
  return hash.digest('hex');
};

const [side, folder = '', chatId = ''] = process.argv.slice(2);
// Loading the program is not timed; a person who opens a chat has it running.
const core = side === 'ours' ? await loadOurs() : undefined;
const yjs = await import('yjs');
const before = held();
const start = process.cpuUsage();
const chat = core ? await openOurs(core, folder, chatId) : await openYjs(yjs, folder);
const { user, system } = process.cpuUsage(start);
const memoryMb = (held() - before) / 1_000_000;
const opened: Opened = {
  cpuMs: (user + system) / 1_000,
  memoryMb,
  held: chat.length,
  screen: digest(chat.screen),
  all: digest(await chat.all()),
};
await chat.close();
process.stdout.write(`${JSON.stringify(opened)}\n`);
