// What a person does with the members of one chat: adds, removes, promotes, leaves, renames. Rules: spec/membership.md,
// spec/chats.md §3.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { fromHex } from '../bytes.ts';
import type { ChatMember } from '../chat-api.ts';
import { roomIdOf } from '../identity/device-keys.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import type { DeviceChains, MemberChange, SignedEntry } from '../identity/log-entry.ts';
import { createMemberEntries, type MembershipLog } from '../identity/membership.ts';
import { isName } from '../names.ts';
import { chainEnds } from '../room/closed-page.ts';
import type { Room } from '../room/room.ts';
import { createShare, SHARE_KEYS } from '../room/share.ts';

export interface MembershipOptions {
  readonly room: Room;
  readonly directory: Directory;
  readonly device: LoggedDevice;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Keeps the secret of another room for this chat, for own devices; resolves when it is durable here. */
  readonly keepRoom: (secret: Uint8Array) => Promise<void>;
  /** Throws why nothing can be written now. */
  readonly requireWritable: () => void;
  /** What a person is called here. */
  readonly nameOf: (accountId: string) => string;
  /** What the chat is called in the account document. */
  readonly title: () => string;
}

const ROOM_SECRET_BYTES = 32;

/** Chains in one entry; see spec/membership.md §1. */
const CHAINS_IN_AN_ENTRY = 4_096;

export const createMembership = (options: MembershipOptions) => {
  const { room, directory, device, sign, now } = options;
  const own = toHex(device.account);
  const log = (): MembershipLog | undefined => room.state.control.chatLog();

  const requireLog = (): MembershipLog => {
    options.requireWritable();
    const known = log();
    if (known) return known;
    throw new SealwireError(
      'RELAY_UNREACHABLE',
      'This chat has not been loaded yet: connect to the network.',
    );
  };

  const requireAdmin = (): MembershipLog => {
    const known = requireLog();
    const role = known.members.get(own)?.role;
    if (role === 'admin') return known;
    if (role) throw new SealwireError('NOT_AN_ADMIN', 'Only an admin of this chat can do that.');
    throw notAMember();
  };

  const requireOther = (known: MembershipLog, accountId: string): Uint8Array => {
    if (accountId === own || !known.members.has(accountId))
      throw new SealwireError('CONTACT_UNKNOWN', 'Nobody else in this chat has this id.');
    return fromHex(accountId);
  };

  const changed = (known: MembershipLog, changes: readonly MemberChange[]): Promise<SignedEntry[]> =>
    createMemberEntries({ log: known, device, changes, at: now(), sign });

  /** How far each chain of an account's devices counts. */
  const chainsOf = (accountId: string): DeviceChains[] => {
    const devices = new Map<string, DeviceChains & { readonly chains: DeviceChains['chains'][number][] }>();
    const ends = chainEnds(room.state)
      .filter(({ device: id }) => toHex(directory.author(id)?.account ?? new Uint8Array(0)) === accountId)
      .sort((a, b) => b.counter - a.counter)
      .slice(0, CHAINS_IN_AN_ENTRY);
    for (const { device: id, stream, clientId, counter, hash } of ends) {
      const known = devices.get(id) ?? { device: fromHex(id), chains: [] };
      devices.set(id, known);
      known.chains.push({ stream, clientId, counter, hash });
    }
    return [...devices.values()];
  };

  return {
    members: (): readonly ChatMember[] =>
      [...(log()?.members ?? [])].map(([accountId, { role }]) => ({
        accountId,
        name: options.nameOf(accountId),
        role,
        isMe: accountId === own,
      })),
    /** The log's title, if somebody ever gave it one. */
    title: (): string | undefined => log()?.title,
    /** True if others are here, or were: then people say who they are. */
    isShared: (): boolean =>
      log()?.entries.some(({ entry }) => entry.type === 'member' && entry.change.action === 'add') ?? false,
    isMember: (): boolean => isMember(room, own),
    /** @throws SealwireError NOT_A_MEMBER if this account was removed or has left. */
    requireMember(): void {
      if (!isMember(room, own)) throw notAMember();
    },
    /** Whether this device may make the room at a relay that does not have it; undefined while the log is not known. */
    isAdmin: (): boolean | undefined => {
      const known = log();
      return known && known.members.get(own)?.role === 'admin';
    },
    /** @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN, LIMIT_REACHED */
    async add(accountId: string, shareHistory: boolean): Promise<void> {
      const known = requireAdmin();
      if (known.members.has(accountId)) return;
      if (known.members.size >= LIMITS.roomMembers)
        throw new SealwireError('LIMIT_REACHED', 'This chat has as many members as it may.');
      const added = directory.log(accountId);
      const key = added?.accountKeys[0];
      if (!added || !key)
        throw new SealwireError(
          'CONTACT_UNKNOWN',
          'This person has not answered yet: they can be added then.',
        );
      const title = options.title();
      const called: MemberChange[] =
        known.title === undefined && isName(title) ? [{ action: 'rename', title }] : [];
      const account = fromHex(accountId);
      const add: MemberChange = { action: 'add', subject: account, role: 'member' };
      const entries = await changed(known, [...called, add]);
      const introduction = added.entries.filter(({ hash }) => !room.state.control.holds(hash));
      const keys = shareHistory ? room.state.keyring.epochKeys().slice(-SHARE_KEYS) : [];
      const share =
        keys.length === 0
          ? []
          : [
              await createShare({
                log: known.id,
                author: device.id,
                account,
                accountKey: key.publicKey,
                keys,
                sign,
              }),
            ];
      await room.putLog([...introduction, ...entries, ...share]);
    },
    /** @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN */
    async remove(accountId: string): Promise<void> {
      const known = requireAdmin();
      const subject = requireOther(known, accountId);
      await room.putLog(await changed(known, [{ action: 'remove', subject, chains: chainsOf(accountId) }]));
    },
    /** @throws SealwireError NOT_AN_ADMIN, CONTACT_UNKNOWN */
    async promote(accountId: string): Promise<void> {
      const known = requireAdmin();
      const subject = requireOther(known, accountId);
      if (known.members.get(accountId)?.role === 'admin') return;
      await room.putLog(await changed(known, [{ action: 'promote', subject }]));
    },
    /** @throws SealwireError RELAY_UNREACHABLE while something that was said here has not left. */
    async leave(): Promise<void> {
      const known = requireLog();
      if (!known.members.has(own)) return;
      if (room.pending() > 0)
        throw new SealwireError('RELAY_UNREACHABLE', 'What you wrote here has not left yet: try again then.');
      await room.putLog(await changed(known, [{ action: 'leave', chains: chainsOf(own) }]));
    },
    /** Leaves the chat's room at the relay for a new one. @throws SealwireError NOT_AN_ADMIN, NOT_A_MEMBER */
    async moveRoom(): Promise<void> {
      const known = requireAdmin();
      const secret = options.randomBytes(ROOM_SECRET_BYTES);
      await options.keepRoom(secret);
      await room.putLog(await changed(known, [{ action: 'move', room: roomIdOf(secret) }]));
    },
    /** @throws SealwireError NOT_AN_ADMIN; RangeError for a title that is no name. */
    async rename(title: string): Promise<void> {
      if (!isName(title)) throw new RangeError('title: empty, too long, or not printable');
      await room.putLog(await changed(requireAdmin(), [{ action: 'rename', title }]));
    },
  };
};

export type Membership = ReturnType<typeof createMembership>;

/** False once an account was removed from a chat, or has left it; true while its log is not known. */
export const isMember = (room: Room, accountId: string): boolean =>
  room.state.control.chatLog()?.members.has(accountId) ?? true;

const notAMember = (): SealwireError =>
  new SealwireError('NOT_A_MEMBER', 'You are no member of this chat any more.');
