// Turns a run of messages into the rows of a conversation: day separators, and who begins or ends a group.
// No spec rules here.
import type { Message } from '@sealwire/core';
import { sameDay } from './format.ts';

/** Messages of one author closer than this stand together. */
const GROUP_MS = 5 * 60_000;

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | {
      readonly kind: 'message';
      readonly key: string;
      readonly message: Message;
      /** First of its group: shows who wrote it. */
      readonly first: boolean;
      /** Last of its group: the bubble gets its tail. */
      readonly last: boolean;
    };

/** @param before - the message before the run, if any: it decides whether the run begins with a new day. */
export function buildRows(run: readonly Message[], before: Message | undefined): readonly Row[] {
  const rows: Row[] = [];
  for (const [i, message] of run.entries()) {
    const previous = i === 0 ? before : run[i - 1];
    if (previous === undefined || !sameDay(previous.at, message.at)) {
      rows.push({ kind: 'day', key: `day ${message.id}`, at: message.at });
    }
    rows.push({
      kind: 'message',
      key: message.id,
      message,
      first: !together(previous, message),
      last: !together(message, run[i + 1]),
    });
  }
  return rows;
}

/** @returns who a person sees as the author: for an imported message the name in its origin. */
export function shownAuthor(message: Message): string {
  if (message.origin !== undefined) return message.origin.name;
  return message.author.isMe ? 'You' : message.author.name;
}

function together(a: Message | undefined, b: Message | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return authorKey(a) === authorKey(b) && sameDay(a.at, b.at) && Math.abs(b.at - a.at) < GROUP_MS;
}

const authorKey = (message: Message): string =>
  message.origin === undefined
    ? `account ${message.author.accountId}`
    : `origin ${message.origin.source} ${message.origin.name}`;
