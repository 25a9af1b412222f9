// Starts a chat: a title is all it takes, also without a network.
// No spec rules here.
import type { Device } from '@sealwire/core';
import { LIMITS } from '@sealwire/protocol';
import { type FormEvent, useState } from 'react';
import { replaceRoute } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { Failure, PaneHeader } from './basics.tsx';

export function NewChatPane({ device }: { readonly device: Device }) {
  const [title, setTitle] = useState('');
  const create = useTask(async (name: string) => {
    replaceRoute({ page: 'chat', chatId: await device.createChat(name) });
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (title.trim() !== '') create.run(title.trim());
  };
  return (
    <>
      <PaneHeader title="New chat" back={{ page: 'chats' }} focus={false} />
      <form className="pane-body form" onSubmit={submit}>
        <label className="field">
          <span>Chat title</span>
          <input
            // biome-ignore lint/a11y/noAutofocus: the only field of a page that was opened to fill it
            autoFocus
            value={title}
            maxLength={LIMITS.nameChars}
            autoComplete="off"
            placeholder="For example: Note to self"
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
        {create.error !== undefined && <Failure error={create.error} />}
        <div className="actions">
          <button
            type="submit"
            className="button button-primary"
            disabled={title.trim() === '' || create.busy}
          >
            Create chat
          </button>
        </div>
      </form>
    </>
  );
}
