// The public shapes of Sealwire: what an app holds in its hands. No code here; factories are in index.ts.
import type { ErrorCode, SealwireError } from '@sealwire/protocol';
import type { Chat, ChatSummary } from './chat-api.ts';
import type { SharedDoc } from './shared-api.ts';
import type { Storage } from './vault/storage.ts';

/**
 * A value that changes. `get` returns the same object until it changes, so it serves React's
 * `useSyncExternalStore` as it is. Listeners are called after the change, without arguments.
 */
export interface Readable<T> {
  get(): T;
  /** @returns the function that ends the subscription. */
  subscribe(listener: () => void): () => void;
}

export type Platform = 'phone' | 'web' | 'desktop' | 'headless';

export interface DeviceOptions {
  /** Where this device keeps its vault: `browserStorage(…)` or `fileStorage(…)`. */
  readonly storage: Storage;
  /** WebSocket address of the relay, `ws://` or `wss://`. */
  readonly relay: string;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
  /** Start with the network switch off. Default: false. */
  readonly offline?: boolean;
}

export interface CreateAccountOptions extends DeviceOptions {
  /** The person's name, shown to own devices. */
  readonly name: string;
  /** This device's name, e.g. "Ada's phone". */
  readonly deviceName: string;
  readonly platform: Platform;
  /**
   * What the account's keys are wrapped with, for good: 1 is X25519, 2 is X-Wing, which a quantum computer does not open
   * either. Devices join an account of suite 2 by a code of suite 2 alone. Default: 1.
   */
  readonly suite?: 1 | 2;
}

export interface LinkOptions extends DeviceOptions {
  /** A proposal; the person confirms or changes it on the phone. */
  readonly deviceName: string;
  readonly platform: Platform;
  /**
   * What seals the link: 1 is X25519, 2 is X-Wing, which a quantum computer does not open either. A phone of an older
   * version says that it cannot follow. Default: 1.
   */
  readonly suite?: 1 | 2;
}

export type Connection = 'offline' | 'connecting' | 'online';

export interface DeviceStatus {
  readonly connection: Connection;
  /** The network switch: false means the person cut the network. */
  readonly networkOn: boolean;
  /** Rooms that still load, and all rooms of which this account is a member: the progress of a newly linked device. */
  readonly loadingRooms: number;
  readonly rooms: number;
  /** Own edits of all chats that are not durable at the relay yet. */
  readonly pending: number;
  /** In some room, what is written waits for a new key; see {@link ChatStatus.rotationOwed}. */
  readonly rotationOwed: boolean;
  /** What a person must know: a full disk, a lost vault, a refused connection. Undefined when all is well. */
  readonly problem: SealwireError | undefined;
}

export interface LinkedDevice {
  readonly id: string;
  readonly name: string;
  readonly platform: Platform;
  readonly isThis: boolean;
  /** True for devices that may link others. */
  readonly mayLink: boolean;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  /**
   * When it last said that it is still there, by its own clock: devices that may not link others do so every week. One that
   * has not for five weeks is logged out. Undefined until the first time. Milliseconds since 1970.
   */
  readonly renewedAt: number | undefined;
  readonly lastHeardAt: number | undefined;
}

/** Something refused or noticed, with its evidence; nothing of it was applied. */
export interface Evidence {
  readonly code: ErrorCode;
  readonly message: string;
  readonly room?: string;
  readonly stream?: string;
  readonly deviceId?: string;
  /** The bytes that were refused, as they came. May hold plaintext: for the app, not for logs. */
  readonly bytes?: Uint8Array;
  /** With FRAME_EQUIVOCATION: the bytes that the same device signed for the same place. Both together prove it. */
  readonly other?: Uint8Array;
}

/** Something that happened to an account's devices, to be seen on every own device until it is dismissed on one. */
export interface Alert {
  readonly id: string;
  /** `device-lapsed`: an own device was logged out since it had not been there for five weeks. */
  readonly kind:
    | 'device-linked'
    | 'device-lapsed'
    | 'contact-device-linked'
    | 'contact-device-logged-out'
    | 'log-forked';
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The device that was linked or logged out. */
  readonly deviceId?: string;
  /** Whose: undefined for this account. */
  readonly accountId?: string;
  /** The device's or the person's name. */
  readonly name: string;
}

/** Another person whom this account can write to. */
export interface Contact {
  readonly accountId: string;
  readonly name: string;
  /** The safety numbers were compared. */
  readonly verified: boolean;
  /** `asked`: they have not answered yet. */
  readonly state: 'asked' | 'known';
  /** How many devices the person has, as far as this device knows. */
  readonly devices: number;
}

/** A stranger who wants to be a contact, or invites to a chat: waits until a person says yes or no. */
export interface ContactRequest {
  readonly id: string;
  readonly kind: 'contact' | 'invitation';
  readonly accountId: string;
  readonly name: string;
  /** Title of the chat, of an invitation. */
  readonly title?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What two people compare, to know that nobody stands between them: the same on all devices of both. */
export interface SafetyNumber {
  /** 60 decimal digits. */
  readonly digits: string;
  /** For a QR code. */
  readonly qr: string;
}

export type LinkPhoneState =
  | { readonly step: 'connecting' }
  /** Show these six digits; the person types them on the new device. */
  | { readonly step: 'digits'; readonly digits: string }
  /** The digits were right: ask the person, let them name the device. */
  | { readonly step: 'confirm'; readonly deviceName: string; readonly platform: Platform }
  | { readonly step: 'sending' }
  | { readonly step: 'done'; readonly deviceId: string }
  | { readonly step: 'failed'; readonly error: SealwireError };

/** The phone's side of linking. */
export interface LinkSession {
  readonly state: Readable<LinkPhoneState>;
  /** The person agreed. Only now are keys released. */
  confirm(deviceName: string): void;
  refuse(): void;
  cancel(): void;
}

export type LinkNewState =
  | { readonly step: 'connecting' }
  /** Show this code as QR or text until `expiresAt`; then `failed` with LINK_CODE_EXPIRED: start anew. */
  | { readonly step: 'code'; readonly code: string; readonly expiresAt: number }
  /** The phone scanned: ask for the six digits that it shows. */
  | { readonly step: 'type-digits' }
  /** Digits sent; the phone checks them and asks its person. */
  | { readonly step: 'waiting' }
  | { readonly step: 'receiving' }
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly error: SealwireError };

/** The new device's side of linking. */
export interface LinkRequest {
  readonly state: Readable<LinkNewState>;
  /** @param digits - six ASCII digits, as typed. @throws RangeError if they are not. */
  submitDigits(digits: string): void;
  cancel(): void;
  /** The linked device, open; rejects with the error of the `failed` state. */
  readonly device: Promise<Device>;
}

/** This device of an account: its chats, its fellow devices, its connection. */
export interface Device {
  readonly id: string;
  readonly accountId: string;
  readonly chats: Readable<readonly ChatSummary[]>;
  readonly devices: Readable<readonly LinkedDevice[]>;
  readonly status: Readable<DeviceStatus>;
  /**
   * @param members - account ids of contacts, who are invited.
   * @returns the new chat's id, once it is durable on this device. Works offline.
   * @throws SealwireError CONTACT_UNKNOWN
   */
  createChat(title: string, members?: readonly string[]): Promise<string>;
  /** @throws SealwireError CHAT_UNKNOWN */
  openChat(chatId: string): Promise<Chat>;
  /**
   * Opens a shared document of a chat; who opens the same name opens the same document. Works offline. Its history must be
   * readable: who joined the chat later needs `shareHistory`.
   *
   * @param name - 1 to 100 characters. Nobody outside the chat learns it.
   * @throws SealwireError CHAT_UNKNOWN; RangeError
   */
  openSharedDoc(chatId: string, name: string): Promise<SharedDoc>;
  /** Resolves when it is durable here. @throws RangeError for a device that is not this account's, or a name too long. */
  renameDevice(deviceId: string, name: string): Promise<void>;
  /**
   * Ends another device of this account for good: "Log out". Works offline; resolves when it is durable here. From then
   * on nothing is written under keys that the device holds, and nothing counts that it writes.
   * @throws SealwireError LINK_NOT_ALLOWED if this device may not link others; RangeError
   */
  logOutDevice(deviceId: string): Promise<void>;
  /**
   * Ends this device and destroys what it keeps, once the relay has all that it wrote. The object answers on, with
   * LOGGED_OUT as its problem. @throws SealwireError RELAY_UNREACHABLE
   */
  logOut(): Promise<void>;
  /** Links a new device whose code was scanned or pasted. */
  link(code: string): LinkSession;
  readonly contacts: Readable<readonly Contact[]>;
  /** Contact requests and strangers' invitations, newest first, that wait for the person. */
  readonly requests: Readable<readonly ContactRequest[]>;
  /** Newest first; shared by all own devices. */
  readonly alerts: Readable<readonly Alert[]>;
  /**
   * Text for a QR code, or for a link's fragment. Who has it may ask to be a contact, and can read nothing by it.
   * @throws SealwireError RELAY_UNREACHABLE if this device has not met its relay since it was opened.
   */
  createCard(): Promise<string>;
  /**
   * Takes back every card of this account that was shown so far, on any device: nobody can ask by them any more. Contacts, and
   * who has asked already, stay; the next card is another one. Works offline; resolves when it is durable here.
   */
  withdrawCards(): Promise<void>;
  /**
   * Asks the owner of a card to be a contact. Resolves once that is durable here; it leaves when the relay can be reached.
   * @throws SealwireError CARD_INVALID, CARD_OTHER_RELAY, RELAY_UNREACHABLE
   */
  addContact(card: string): Promise<void>;
  /** @throws SealwireError CONTACT_UNKNOWN */
  acceptRequest(id: string): Promise<void>;
  /** Nobody is told. @throws SealwireError CONTACT_UNKNOWN */
  declineRequest(id: string): Promise<void>;
  /** What to compare with a person, in person or in a call. @throws RangeError for this account's own id */
  safetyNumber(accountId: string): SafetyNumber;
  /**
   * Compares what the other person's device shows as its code for this one. `other account`: it is one's own code, or
   * that of another contact; `mismatch`: somebody stands between the two, or it is a stranger's.
   * @throws SealwireError MALFORMED, UNSUPPORTED_VERSION
   */
  compareSafety(accountId: string, scanned: string): 'match' | 'mismatch' | 'other account';
  /** Whether the safety numbers were found equal. @throws SealwireError CONTACT_UNKNOWN */
  markVerified(accountId: string, verified: boolean): Promise<void>;
  dismissAlert(id: string): Promise<void>;
  /** The network switch. Off closes the connection at once; on reconnects at once. */
  setNetwork(on: boolean): void;
  /** Tries again after a `problem` (a disk that has room again, a deleted database to put back). */
  recover(): Promise<void>;
  /** @returns the function that ends the subscription. */
  onEvidence(listener: (evidence: Evidence) => void): () => void;
  /** Stores what is pending, ends the connection, releases the vault. */
  close(): Promise<void>;
}
