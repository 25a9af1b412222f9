// A chat's people: who is in it, with which role; adding, removing, leaving, the title, the room at the relay.
// Rules: spec/membership.md, spec/chats.md §4.
import type { Chat, ChatMember, Device } from '@sealwire/core';
import { type FormEvent, useState } from 'react';
import { useChat } from '../hooks/useChat.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { go, replaceRoute, routeTo } from '../hooks/useRoute.ts';
import { useTask } from '../hooks/useTask.ts';
import { dayText } from '../lib/format.ts';
import { Avatar } from './Avatar.tsx';
import { Failure, PaneHeader } from './basics.tsx';
import { NameForm } from './NameForm.tsx';
import { Question } from './Question.tsx';

export function ChatInfoPane({ device, chatId }: { readonly device: Device; readonly chatId: string }) {
  const opened = useChat(device, chatId);
  const chats = useReadable(device.chats);
  const title = chats.find((chat) => chat.id === chatId)?.title ?? 'Chat';
  return (
    <>
      <PaneHeader title={`About ${title}`} back={{ page: 'chat', chatId }} />
      <div className="pane-body">
        {opened.kind === 'failed' && <Failure error={opened.error} />}
        {opened.kind === 'open' && opened.chat.id === chatId && (
          <Info device={device} chat={opened.chat} title={title} />
        )}
      </div>
    </>
  );
}

function Info(props: { readonly device: Device; readonly chat: Chat; readonly title: string }) {
  const { device, chat, title } = props;
  const members = useReadable(chat.members);
  const admin = members.some((member) => member.isMe && member.role === 'admin');
  return (
    <>
      <ul className="group" aria-label="Members">
        {members.map((member) => (
          <MemberRow key={member.accountId} chat={chat} member={member} admin={admin} />
        ))}
      </ul>
      <GoToDay chat={chat} />
      {admin && <AddMember device={device} chat={chat} members={members} />}
      {admin && <NameForm label="Title" name={title} onRename={(name) => chat.rename(name)} />}
      {admin && members.length > 1 && <MoveRoom chat={chat} />}
      {members.length > 1 && members.some(({ isMe }) => isMe) && <Leave chat={chat} />}
    </>
  );
}

/** Nothing in between is loaded, however long ago it was. */
function GoToDay({ chat }: { readonly chat: Chat }) {
  const { firstAt } = useReadable(chat.status);
  const [day, setDay] = useState('');
  if (firstAt === undefined) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (day !== '') go({ page: 'chat', chatId: chat.id, day });
  };
  return (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span>Go to a day</span>
        <input
          type="date"
          required
          min={dayText(firstAt)}
          max={dayText(Date.now())}
          value={day}
          onChange={(event) => setDay(event.target.value)}
        />
      </label>
      <div className="actions">
        <button type="submit" className="button" disabled={day === ''}>
          Show that day
        </button>
      </div>
    </form>
  );
}

function MemberRow(props: { readonly chat: Chat; readonly member: ChatMember; readonly admin: boolean }) {
  const { chat, member, admin } = props;
  const promote = useTask(() => chat.promote(member.accountId));
  return (
    <li className="member">
      <div className="member-line">
        <Avatar name={member.name} small />
        {member.isMe ? (
          <span className="group-title">{member.name} (you)</span>
        ) : (
          <a className="group-title" href={routeTo({ page: 'contact', accountId: member.accountId })}>
            {member.name}
          </a>
        )}
        {member.role === 'admin' && <span className="tag">Admin</span>}
      </div>
      {promote.error !== undefined && <Failure error={promote.error} />}
      {admin && !member.isMe && (
        <div className="member-actions">
          {member.role === 'member' && (
            <button
              type="button"
              className="button"
              disabled={promote.busy}
              onClick={() => promote.run()}
              aria-label={`Make admin: ${member.name}`}
            >
              Make admin
            </button>
          )}
          <Question
            ask={`Remove ${member.name}`}
            yes="Remove"
            no="Keep"
            onYes={() => chat.removeMember(member.accountId)}
          >
            <p>
              {member.name} reads nothing that is written here from now on. What they have read, they have.
            </p>
          </Question>
        </div>
      )}
    </li>
  );
}

function AddMember(props: {
  readonly device: Device;
  readonly chat: Chat;
  readonly members: readonly ChatMember[];
}) {
  const { device, chat, members } = props;
  const contacts = useReadable(device.contacts).filter(
    ({ accountId, state }) => state === 'known' && !members.some((member) => member.accountId === accountId),
  );
  const [shareHistory, setShareHistory] = useState(false);
  const add = useTask((accountId: string) => chat.addMember(accountId, { shareHistory }));
  if (contacts.length === 0)
    return (
      <p className="quiet">
        To add somebody, make them a contact first: <a href={routeTo({ page: 'contacts' })}>People</a>.
      </p>
    );
  return (
    <section className="stack" aria-labelledby="add-title">
      <h2 id="add-title" className="section-title">
        Add somebody
      </h2>
      <label className="choice">
        <input
          type="checkbox"
          checked={shareHistory}
          onChange={(event) => setShareHistory(event.target.checked)}
        />
        <span>Let them read what was written before</span>
      </label>
      {add.error !== undefined && <Failure error={add.error} />}
      <div className="actions">
        {contacts.map((contact) => (
          <button
            key={contact.accountId}
            type="button"
            className="button"
            disabled={add.busy}
            onClick={() => add.run(contact.accountId)}
          >
            Add {contact.name}
          </button>
        ))}
      </div>
    </section>
  );
}

function MoveRoom({ chat }: { readonly chat: Chat }) {
  return (
    <Question ask="Move to a new room" yes="Move" no="Stay here" onYes={chat.moveRoom}>
      <p>
        For when the relay lets members in no more, since somebody took the room. Take that person out first.
        All that was said comes along; members hear of it by themselves.
      </p>
    </Question>
  );
}

function Leave({ chat }: { readonly chat: Chat }) {
  const leave = async () => {
    await chat.leave();
    replaceRoute({ page: 'chats' });
  };
  return (
    <Question ask="Leave this chat" yes="Leave" no="Stay" onYes={leave}>
      <p>You read nothing that is written here afterwards. Others keep what was written.</p>
    </Question>
  );
}
