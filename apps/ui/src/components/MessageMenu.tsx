// What can be done with one message: copy it, delete an own one for everybody after a question.
// No spec rules here.
import type { Chat, Message } from '@sealwire/core';
import { useEffect, useRef, useState } from 'react';
import { useTask } from '../hooks/useTask.ts';
import { Failure } from './basics.tsx';
import { Icon } from './Icon.tsx';

export interface MenuTarget {
  readonly message: Message;
  readonly opener: HTMLElement;
}

export function MessageMenu(props: {
  readonly chat: Chat;
  readonly target: MenuTarget;
  readonly onClose: () => void;
}) {
  const { chat, target, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [asking, setAsking] = useState(false);
  const remove = useTask(async () => {
    await chat.delete(target.message.id);
    dialog.current?.close();
  });
  useEffect(() => dialog.current?.showModal(), []);
  const closed = () => {
    onClose();
    if (target.opener.isConnected) target.opener.focus();
  };
  const copy = async () => {
    await navigator.clipboard.writeText(target.message.text);
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} className="sheet" aria-label="Message options" onClose={closed} closedby="any">
      <blockquote className="sheet-quote">{target.message.text}</blockquote>
      {asking ? (
        <>
          <p className="sheet-question">Delete this message for everybody?</p>
          {remove.error !== undefined && <Failure error={remove.error} />}
          <div className="actions">
            <button
              type="button"
              className="button button-danger"
              disabled={remove.busy}
              onClick={() => remove.run()}
            >
              Delete for everybody
            </button>
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              Keep it
            </button>
          </div>
        </>
      ) : (
        <div className="menu">
          <button type="button" className="menu-item" onClick={() => void copy()}>
            <Icon name="copy" /> Copy text
          </button>
          {target.message.author.isMe && (
            <button type="button" className="menu-item menu-danger" onClick={() => setAsking(true)}>
              <Icon name="trash" /> Delete message
            </button>
          )}
          <button type="button" className="menu-item" onClick={() => dialog.current?.close()}>
            <Icon name="close" /> Cancel
          </button>
        </div>
      )}
    </dialog>
  );
}
