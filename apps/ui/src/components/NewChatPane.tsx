// Starts a chat: a title, and whoever of one's people takes part. Works without a network.
// Rules: spec/membership.md.
import type { Device } from '@sealwire/core';
import { LIMITS } from '@sealwire/protocol';
import { type FormEvent, useState } from 'react';
import { useReadable } from '../hooks/useReadable.ts';
import { replaceRoute } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { Failure, PaneHeader } from './basics.tsx';

export function NewChatPane({ device }: { readonly device: Device }) {
  const [title, setTitle] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const contacts = useReadable(device.contacts).filter(({ state }) => state === 'known');
  const create = useTask(async (name: string) => {
    replaceRoute({ page: 'chat', chatId: await device.createChat(name, chosen) });
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (title.trim() !== '') create.run(title.trim());
  };
  const choose = (accountId: string, on: boolean) =>
    setChosen((now) => (on ? [...now, accountId] : now.filter((id) => id !== accountId)));
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
        {contacts.length > 0 && (
          <fieldset className="choices">
            <legend>With</legend>
            {contacts.map(({ accountId, name }) => (
              <label key={accountId} className="choice">
                <input
                  type="checkbox"
                  checked={chosen.includes(accountId)}
                  onChange={(event) => choose(accountId, event.target.checked)}
                />
                <span>{name}</span>
              </label>
            ))}
          </fieldset>
        )}
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
