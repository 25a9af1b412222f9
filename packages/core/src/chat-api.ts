// The public shapes of a chat: what it shows, and what an app does with it. No code here; chats are opened with `device.openChat`.
import type { Readable } from './api.ts';

/** `storing` is not safe yet; `stored` is durable on this device; `sent` is durable at the relay. */
export type MessageState = 'storing' | 'stored' | 'sent';

export interface Author {
  readonly accountId: string;
  readonly deviceId: string;
  /** The person's name. */
  readonly name: string;
  readonly isMe: boolean;
}

/** Where an imported message came from. It was never signed by the person it names. */
export interface Origin {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** For example "WhatsApp". */
  readonly source: string;
}

export interface Message {
  /** `clientID:clock`; unique in its chat, the same on every device. */
  readonly id: string;
  readonly text: string;
  /** Milliseconds since 1970: when it was written, or for an imported message when it was sent. */
  readonly at: number;
  readonly author: Author;
  readonly state: MessageState;
  readonly origin?: Origin;
}

export interface ChatSummary {
  readonly id: string;
  readonly title: string;
  /** Newest text, empty when there is none. */
  readonly lastText: string;
  /** Milliseconds since 1970; when the chat was made, if it is empty. */
  readonly lastAt: number;
  readonly messages: number;
}

export interface ChatStatus {
  /**
   * `left`: this account is no member any more; what was read stays, nothing comes or leaves. `refused`: the relay says
   * that it is none, or that the room was deleted, and there is only its word for it; what is written waits.
   */
  readonly state: 'offline' | 'catching-up' | 'live' | 'left' | 'refused';
  /** Own edits that are not durable at the relay yet. */
  readonly pending: number;
  /** Messages that are older than all in `timeline`: see `loadOlder`. */
  readonly older: number;
  /** Messages that are newer than all in `timeline`: none but after `showAround`. */
  readonly newer: number;
  /** When the first message of all was written, milliseconds since 1970; undefined without messages. */
  readonly firstAt: number | undefined;
  /** How far loading has come, in frames. `total` is 0 while nothing is known. */
  readonly loaded: number;
  readonly total: number;
  /** When this device last received something of each other device, by device id. Milliseconds since 1970. */
  readonly lastHeard: ReadonlyMap<string, number>;
  /** What is written here waits for a new key, since a device or a member was removed: it leaves by itself. */
  readonly rotationOwed: boolean;
}

/** A message of another app, to be imported as one's own entry that names its origin. */
export interface ImportedMessage {
  readonly name: string;
  readonly sentAt: number;
  readonly text: string;
}

export interface ChatMember {
  readonly accountId: string;
  readonly name: string;
  readonly role: 'admin' | 'member';
  readonly isMe: boolean;
}

/** One open conversation. Close it when it leaves the screen. */
export interface Chat {
  readonly id: string;
  readonly title: string;
  readonly timeline: Readable<readonly Message[]>;
  readonly status: Readable<ChatStatus>;
  /** The longest there first; empty while the chat's log has not come. */
  readonly members: Readable<readonly ChatMember[]>;
  /**
   * Adds somebody and invites them. They read what is written from now on, perhaps also what has not left yet; with
   * `shareHistory`, all that was written before. Works offline; resolves when it is durable here.
   * @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN, LIMIT_REACHED
   */
  addMember(accountId: string, options?: { readonly shareHistory?: boolean }): Promise<void>;
  /**
   * From here on they can read nothing that is written, and nothing counts that they write.
   * @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN
   */
  removeMember(accountId: string): Promise<void>;
  /** @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN */
  promote(accountId: string): Promise<void>;
  /** @throws SealwireError RELAY_UNREACHABLE while something that was said here has not left. */
  leave(): Promise<void>;
  /** @throws SealwireError NOT_AN_ADMIN; RangeError */
  rename(title: string): Promise<void>;
  /**
   * Goes on in a new room at the relay, with the same members and all that was said: when somebody who should not be able to has taken
   * the room, and the relay lets members in no more. They hear of it through their inboxes. Works offline.
   * @throws SealwireError NOT_AN_ADMIN, NOT_A_MEMBER
   */
  moveRoom(): Promise<void>;
  /**
   * Brings older messages into `timeline`, as a person scrolls up: those of one page, or all from a time on (milliseconds since
   * 1970). They stay until the chat is closed. Works offline. @returns false if there are none.
   */
  loadOlder(since?: number): Promise<boolean>;
  /**
   * Has `timeline` begin at about a time (milliseconds since 1970), wherever in the chat that is, at the cost of what is there and not
   * of what lies between; without one, it is that of the newest messages again. Reading on from there: `loadOlder`, `loadNewer`.
   * What these brought before is let go. Later than all messages is the newest. Works offline.
   * @throws RangeError for NaN.
   */
  showAround(time?: number): Promise<void>;
  /** Brings newer messages into `timeline` after `showAround`: those of one page. @returns false if there are none. */
  loadNewer(): Promise<boolean>;
  /** Resolves with the message's id once it is durable on this device. Rejects with STORAGE_FULL and the like. */
  send(text: string): Promise<string>;
  /** Deletes an own message for everybody. Resolves once that is durable on this device. */
  delete(messageId: string): Promise<void>;
  /**
   * Imports messages as own entries with an origin. `onProgress` is told how many are durable.
   * @returns how many were imported.
   */
  import(
    messages: readonly ImportedMessage[],
    source: string,
    onProgress?: (done: number, total: number) => void,
  ): Promise<number>;
  close(): void;
}
