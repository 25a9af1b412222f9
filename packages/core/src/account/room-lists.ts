// Keeps the relay's list of each chat's principals equal to its membership log, and says whom this account still owes an
// invitation. Rules: spec/chats.md §3.
import {
  CONTROL_STREAM,
  compareBytes,
  type RoomMember,
  SealwireError,
  sameBytes,
  toHex,
} from '@sealwire/protocol';
import { sha256 } from '#native';
import type { Evidence } from '../api.ts';
import { fromHex, utf8 } from '../bytes.ts';
import { INVITE_LOG_BYTES, sizeOf } from '../contacts/content.ts';
import type { Unstamped } from '../contacts/judge.ts';
import { isActive } from '../identity/device-log.ts';
import { encodeEntryBytes } from '../identity/log-entry.ts';
import type { MembershipLog } from '../identity/membership.ts';
import { printableName } from '../names.ts';
import type { Room } from '../room/room.ts';
import { type Edge, PLATFORM_EDGE } from '../sync/edge.ts';
import type { InvitationFields } from './contacts.ts';
import type { Core } from './core.ts';

/** After a refusal for the moment. */
const RETRY_MS = 5_000;
/** So often the relay may say that this account is no admin before a person hears of it. */
const TRIES_AS_ADMIN = 12;

export interface RoomListsOptions {
  readonly core: Core;
  readonly edge?: Edge;
  readonly report: (evidence: Evidence) => void;
  readonly fault: (error: unknown) => void;
  /** A list was written: invitations may leave. */
  readonly written: () => void;
}

export const createRoomLists = (options: RoomListsOptions) => {
  const { core } = options;
  const after = (options.edge ?? PLATFORM_EDGE).after;
  const own = core.accountId;
  /** By room: the list that the relay is known to have. */
  const listed = new Map<string, string>();
  /** By room: how often in a row its list was refused. */
  const early = new Map<string, number>();
  let running = false;
  let wanted = false;
  let closed = false;
  let cancelRetry: (() => void) | undefined;

  const isOnline = (): boolean => core.connection() === 'online' && !closed;

  /** The list as the log has it; undefined while a member's principal is not known. */
  const listOf = (log: MembershipLog): RoomMember[] | undefined => {
    const list: RoomMember[] = [];
    for (const [account, { role }] of log.members) {
      const principal = core.directory.log(account)?.genesis.principal;
      if (!principal) return undefined;
      list.push({ principal, admin: role === 'admin' });
    }
    return list.sort((a, b) => compareBytes(a.principal, b.principal));
  };

  /** What the log says now about the relay's list; undefined while this device has nothing to say about it. */
  const wantedOf = (room: Room) => {
    const log = room.state.control.chatLog();
    const list = log && listOf(log);
    const role = log?.members.get(own)?.role;
    if (!list || role === 'member' || log.entries.length === 1 || !isLogSent(room)) return undefined;
    return { list, role, name: nameOf(list) };
  };

  const syncList = async (room: Room): Promise<void> => {
    if (listed.get(room.key) === wantedOf(room)?.name) return;
    for (;;) {
      const answer = await core.engine.request((request) => ({ type: 'get-room', request, room: room.id }));
      if (answer.type !== 'room-result') return;
      // The list may follow from entries that came just before it: another device's newer list is not undone.
      await room.idle();
      const wanted = wantedOf(room);
      if (!wanted) return;
      const { list, role, name } = wanted;
      const { version, members } = answer;
      const self = toHex(core.self().log.genesis.principal);
      // An admin who has left hands over to those whom the log has as admins now; any other takes only itself off.
      const isAdmin = members.some(({ principal, admin }) => admin && toHex(principal) === self);
      const next =
        role === 'admin' || isAdmin ? list : members.filter(({ principal }) => toHex(principal) !== self);
      if (nameOf(members) !== nameOf(next))
        try {
          await core.engine.request((request) => ({
            type: 'put-room',
            request,
            room: room.id,
            version: version + 1,
            members: next,
          }));
        } catch (error) {
          if (error instanceof SealwireError && error.code === 'VERSION_CONFLICT') continue;
          throw error;
        }
      listed.set(room.key, name);
      return;
    }
  };

  const syncAll = async (): Promise<void> => {
    for (const { room } of [...core.chats.values()]) {
      const log = room.state.control.chatLog();
      if (!log || !isOnline() || !room.isLive()) continue;
      try {
        const before = listed.get(room.key);
        await syncList(room);
        early.delete(room.key);
        if (listed.get(room.key) !== before) options.written();
      } catch (error) {
        if (!(error instanceof SealwireError)) throw error;
        if (error.code === 'RELAY_UNREACHABLE') return;
        // Who was just made an admin may be ahead of the list that says so.
        const tries = (early.get(room.key) ?? 0) + 1;
        early.set(room.key, tries);
        const isEarly = error.code === 'NOT_AN_ADMIN' && tries < TRIES_AS_ADMIN;
        // It knows this account as none who may: what it may is decided elsewhere, and asked for again with the next change.
        const list = FINAL.has(error.code) && !isEarly ? listOf(log) : undefined;
        if (list) listed.set(room.key, nameOf(list));
        else retryLater();
        if (list && log.members.has(own))
          options.report({ code: error.code, message: error.message, room: room.key });
      }
    }
  };

  const retryLater = (): void => {
    cancelRetry?.();
    if (isOnline()) cancelRetry = after(RETRY_MS, changed);
  };

  const run = async (): Promise<void> => {
    running = true;
    try {
      while (wanted && isOnline()) {
        wanted = false;
        await syncAll();
      }
    } catch (error) {
      options.fault(error);
    } finally {
      running = false;
    }
  };

  const changed = (): void => {
    wanted = true;
    if (!running && isOnline()) void run();
  };

  const stop = core.engine.onConnection(changed);

  return {
    changed,
    /** Invitations that nobody of this account has put down as owed yet. */
    invitationsDue(): Unstamped[] {
      const { book, chats } = core.accountState();
      return [...core.chats].flatMap(([r, { room }]): Unstamped[] => {
        const log = room.state.control.chatLog();
        // Behind the chat's own entry: what a crash takes of the two it takes from the end.
        if (!log || log.entries.length === 1 || !chats.has(r)) return [];
        return [...log.members].flatMap(([f, { addedBy }]): Unstamped[] => {
          if (f === own || book.contacts.get(f)?.s === undefined) return [];
          const id = toHex(sha256(utf8('sealwire/v1/invitation-id'), addedBy).subarray(0, 16));
          const added = log.entries.find(({ hash }) => compareBytes(hash, addedBy) === 0)?.entry;
          if (!added || toHex(added.account) !== own || book.mail.has(id)) return [];
          const d = toHex(added.author);
          // The device that added somebody says so itself, unless it is gone.
          if (d !== toHex(core.deviceId) && isActive(core.deviceLog(), d)) return [];
          return [{ k: 'mail', id, f, q: 'invite', r, d, s: 'due' }];
        });
      });
    },
    /** Members who are to hear from this account where a chat went on, and of whom nobody has put that down yet. */
    movesDue(): Unstamped[] {
      const { book } = core.accountState();
      return [...core.chats].flatMap(([r, { room }]): Unstamped[] => {
        const log = room.state.control.chatLog();
        const { move } = log ?? {};
        if (!log || !move || !sameBytes(move.room, room.id) || !log.members.has(own)) return [];
        const isMover = toHex(move.account) === own;
        const d = isMover ? toHex(move.author) : toHex(core.deviceId);
        if (d !== toHex(core.deviceId) && isActive(core.deviceLog(), d)) return [];
        const told = isMover ? [...log.members.keys()] : neighboursOf(log, own);
        return told.flatMap((f): Unstamped[] => {
          const id = toHex(
            sha256(utf8('sealwire/v1/move-id'), move.hash, fromHex(own), fromHex(f)).subarray(0, 16),
          );
          if (f === own || f === toHex(move.account) || book.mail.has(id)) return [];
          if (book.contacts.get(f)?.s === undefined) return [];
          return [{ k: 'mail', id, f, q: 'invite', r, d, s: 'due' }];
        });
      });
    },
    /** What an invitation says; `void` if nobody is to be invited any more, undefined while the relay is not ready for them. */
    invitation(chatId: string, accountId: string): InvitationFields | 'void' | undefined {
      const room = core.chats.get(chatId)?.room;
      const log = room?.state.control.chatLog();
      if (!room || !log) return undefined;
      const member = log.members.get(accountId);
      if (!member) return 'void';
      const list = listOf(log);
      if (!list) return undefined;
      // Who is no admin passes on where the chat went, and knows from being let in that the relay has its list.
      const isReady =
        log.members.get(own)?.role === 'admin' ? listed.get(room.key) === nameOf(list) : room.isLive();
      if (!isReady) return undefined;
      const [genesis, ...rest] = log.entries.map((entry) => ({ entry, bytes: encodeEntryBytes(entry) }));
      const entries = [genesis!.bytes];
      // What says that they belong to it, and where it is, goes first.
      const needed = [member.addedBy, ...(log.move ? [log.move.hash] : [])];
      const first = rest.filter(({ entry }) => needed.some((hash) => sameBytes(entry.hash, hash)));
      for (const { bytes } of [...first, ...rest])
        if (!entries.includes(bytes) && sizeOf([...entries, bytes]) <= INVITE_LOG_BYTES) entries.push(bytes);
      const title = printableName(log.title ?? core.accountState().chats.get(chatId)?.n ?? '', 'Chat');
      return { chat: fromHex(chatId), secret: room.state.address.secret, title, entries };
    },
    close(): void {
      closed = true;
      cancelRetry?.();
      stop();
    },
  };
};

/** Whether the relay has all that this device wrote into the room's log. */
const isLogSent = ({ state }: Room): boolean =>
  ![...state.outbox, ...state.framed].some(({ stream }) => stream === CONTROL_STREAM);

/** The members that an account added, and the one that added it: contacts of it, if anybody is. */
const neighboursOf = (log: MembershipLog, own: string): string[] => {
  const adders = new Map(log.entries.map(({ entry, hash }) => [toHex(hash), toHex(entry.account)]));
  const adderOf = (account: string): string | undefined => {
    const member = log.members.get(account);
    return member && adders.get(toHex(member.addedBy));
  };
  return [...log.members.keys()].filter((other) => adderOf(other) === own || adderOf(own) === other);
};

const nameOf = (list: readonly RoomMember[]): string =>
  list
    .map(({ principal, admin }) => `${toHex(principal)}${admin ? '*' : ''}`)
    .sort()
    .join();

const FINAL: ReadonlySet<string> = new Set(['NOT_A_MEMBER', 'NOT_AN_ADMIN', 'ROOM_UNKNOWN', 'NO_PRINCIPAL']);
