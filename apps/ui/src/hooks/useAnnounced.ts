// Says new messages of others aloud for screen readers, and nothing while a conversation only loads.
// No spec rules here.
import type { Message } from '@sealwire/core';
import { useEffect, useRef, useState } from 'react';
import { plural } from '../lib/format.ts';

/** @returns the text of a polite live region. @param live - false while the chat catches up. */
export function useAnnounced(messages: readonly Message[], live: boolean): string {
  const [text, setText] = useState('');
  const newest = useRef<string | undefined>(undefined);
  useEffect(() => {
    const before = newest.current;
    newest.current = messages.at(-1)?.id;
    if (!live || before === undefined || before === newest.current) return;
    const fresh = messages.slice(messages.findIndex((message) => message.id === before) + 1);
    const theirs = fresh.filter((message) => message.state === 'sent' && message.origin === undefined);
    const last = theirs.at(-1);
    if (last === undefined || theirs.length === messages.length) return;
    const who = last.author.isMe ? 'You, on another device' : last.author.name;
    setText(theirs.length === 1 ? `${who}: ${last.text}` : `${plural(theirs.length, 'new message')}`);
  }, [messages, live]);
  return text;
}
