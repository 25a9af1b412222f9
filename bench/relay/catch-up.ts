// Cold catch-up: a device that has nothing takes a whole chat from the server.
import * as Y from 'yjs';
import { ResultsDiffer } from '../lib/result.ts';
import { CHAT } from '../merge/conversation.ts';
import { makeWorkload, sizeName } from '../merge/workload.ts';
import type { CaughtUp, Chat, Kind } from './kinds.ts';
import type { Stage } from './stage.ts';
import { hocuspocus, yWebsocket } from './yjs-peers.ts';

/** Messages that are really written by four devices; a longer chat is these again and again. */
const WRITTEN = 10_000;

export const catchUpCase = async (stage: Stage, messages: number): Promise<void> => {
  const chat = await makeChat(messages, stage.say);
  const ways = new Map<Kind, () => Promise<CaughtUp>>();
  const kinds = stage.kinds.filter((kind) => kind.chat !== undefined);
  await stage.rounds('catch-up', kinds, async (kind, server) => {
    if (ways.has(kind)) return;
    const way = await kind.chat!(server, chat);
    requireSame(kind, chat, await way());
    ways.set(kind, way);
  });
  const all = await stage.rounds('catch-up', kinds, async (kind) => (await ways.get(kind)!()).ms);
  const name = `catch-up/${sizeName(messages)}`;
  const times = stage.pick(all, (ms) => ms);
  stage.row({ case: name, unit: 'ms', better: 'lower' }, times, [yWebsocket, hocuspocus]);
  const bytes = chat.frames.reduce((sum, frame) => sum + frame.length, 0);
  stage.notes.push(
    `${name}: ${chat.frames.length} frames of ${bytes} bytes; one update of ${chat.update.length} bytes`,
  );
};

/** The same messages for both: frames as four devices made them, and one array of a Yjs document. */
const makeChat = async (messages: number, say: (line: string) => void): Promise<Chat> => {
  const written = Math.min(messages, WRITTEN);
  const { sealed, plain } = await makeWorkload(`chat of ${written}`, written, CHAT, say);
  const part = new Y.Doc();
  Y.transact(part, () => {
    for (const update of plain) Y.applyUpdate(part, update);
  });
  const texts = part.getArray<string>('messages').toArray();
  const doc = new Y.Doc();
  const times = messages / written;
  for (let i = 0; i < times; i++) doc.getArray<string>('messages').push(texts.map((text) => text));
  const frames = Array.from({ length: times }, () => sealed.frames.map(({ frame }) => frame)).flat();
  return { messages, frames, update: Y.encodeStateAsUpdate(doc) };
};

/** @throws ResultsDiffer unless what came is what was put there, all of it and in order. */
const requireSame = (kind: Kind, chat: Chat, { pieces }: CaughtUp): void => {
  if (pieces.length === 1) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, pieces[0]!);
    const count = doc.getArray('messages').length;
    if (count !== chat.messages)
      throw new ResultsDiffer(`${kind.name}: ${count} of ${chat.messages} messages`);
    return;
  }
  const differs = chat.frames.findIndex((frame, i) => Buffer.compare(frame, pieces[i] ?? EMPTY) !== 0);
  if (differs >= 0 || pieces.length !== chat.frames.length)
    throw new ResultsDiffer(`${kind.name}: frame ${differs} of ${pieces.length} is another`);
};

const EMPTY = new Uint8Array();
