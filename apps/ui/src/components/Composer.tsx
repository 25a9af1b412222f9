// Where a message is written. Enter sends, Shift+Enter begins a new line; what was not taken comes back.
// No spec rules here.
import type { Chat } from '@sealwire/core';
import { LIMITS } from '@sealwire/protocol';
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { explain } from '../lib/explain.ts';
import { formatCount } from '../lib/format.ts';
import { Icon } from './Icon.tsx';

/** Characters left at which the count is shown. */
const COUNT_FROM = 500;

/** What was typed in each chat and not sent yet, while this page lives. */
const drafts = new Map<string, string>();

export function Composer(props: {
  readonly chat: Chat;
  /** Why nothing can be written now; undefined when it can. */
  readonly blocked: string | undefined;
  readonly autoFocus: boolean;
  readonly onSent: () => void;
}) {
  const { chat, blocked, onSent } = props;
  const [text, setText] = useState(() => drafts.get(chat.id) ?? '');
  const [failed, setFailed] = useState<string | undefined>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);
  const left = LIMITS.textChars - text.length;

  useEffect(() => {
    drafts.set(chat.id, text);
    if (field.current !== null) fitHeight(field.current);
  }, [chat.id, text]);
  useEffect(() => {
    if (props.autoFocus) field.current?.focus();
  }, [props.autoFocus]);
  // What was blocked is so no more: what could not be stored then is stored by now, or stands in the field.
  useEffect(() => {
    if (blocked === undefined) setFailed(undefined);
  }, [blocked]);

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    const ready = text.trim();
    if (ready === '' || blocked !== undefined) return;
    setText('');
    setFailed(undefined);
    chat.send(ready).catch((error: unknown) => {
      const { title } = explain(error);
      if (waitsIn(chat, ready)) return setFailed(`${title}: your last message waits to be stored.`);
      setText((now) => (now === '' ? ready : `${ready}\n${now}`));
      setFailed(`${title}: your text is back in the field.`);
    });
    onSent();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  const hint = blocked ?? failed;
  return (
    <form className="composer" onSubmit={send}>
      {hint !== undefined && (
        <p id="composer-hint" className="composer-hint" role="alert">
          {hint}
        </p>
      )}
      <textarea
        ref={field}
        aria-label="Message"
        aria-describedby={hint === undefined ? undefined : 'composer-hint'}
        placeholder="Write a message"
        rows={1}
        enterKeyHint="send"
        maxLength={LIMITS.textChars}
        value={text}
        disabled={blocked !== undefined}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {left < COUNT_FROM && <span className="composer-left">{formatCount(left)} left</span>}
      <button
        type="submit"
        className="send"
        aria-label="Send"
        disabled={text.trim() === '' || blocked !== undefined}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}

/** True when the message is in the conversation already, not stored yet: it is stored once the disk allows. */
const waitsIn = (chat: Chat, text: string): boolean =>
  chat.timeline.get().some((message) => message.state === 'storing' && message.text === text);

function fitHeight(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
