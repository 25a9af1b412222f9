// Who may do what, decided from records alone. Pure. Rules: spec/relay-protocol.md §6.
import { type ErrorCode, type Farewell, type RoomMember, sameBytes } from '@sealwire/protocol';
import type { PrincipalRecord, RoomRecord } from './store.ts';

/** What comes of a wish to edit: write it, it is so already, or a code why not. */
export type Verdict = 'write' | 'already' | ErrorCode;

export const memberOf = (record: RoomRecord, principal: Uint8Array): RoomMember | undefined =>
  record.members.find((member) => sameBytes(member.principal, principal));

/** Undefined when the principal may read and append in the room. */
export const refusalInRoom = (
  record: RoomRecord | undefined,
  principal: Uint8Array | undefined,
): ErrorCode | undefined => {
  if (principal === undefined) return 'NO_PRINCIPAL';
  if (record === undefined) return 'ROOM_UNKNOWN';
  if (isDeleted(record)) return 'ROOM_DELETED';
  return memberOf(record, principal) ? undefined : 'NOT_A_MEMBER';
};

/** An edit or creation of a room by `principal`. */
export const judgeRoomEdit = (
  current: RoomRecord | undefined,
  edit: RoomRecord,
  principal: Uint8Array | undefined,
): Verdict => {
  if (principal === undefined) return 'NO_PRINCIPAL';
  if (current === undefined) {
    if (edit.version !== 1) return 'ROOM_UNKNOWN';
    return memberOf(edit, principal)?.admin ? 'write' : 'NOT_AN_ADMIN';
  }
  if (isDeleted(current)) return 'ROOM_DELETED';
  const member = memberOf(current, principal);
  if (member === undefined) return 'NOT_A_MEMBER';
  // The answer to the edit that made this version may have been lost on the way.
  if (edit.version === current.version && sameMembers(edit.members, current.members)) return 'already';
  if (!member.admin && !isWithout(edit.members, current.members, principal)) return 'NOT_AN_ADMIN';
  if (edit.version !== current.version + 1) return 'VERSION_CONFLICT';
  return edit.members.some(({ admin }) => admin) ? 'write' : 'NOT_AN_ADMIN';
};

/** The deletion of a room by `principal`, as the version after the current list. */
export const judgeRoomDeletion = (
  current: RoomRecord | undefined,
  version: number,
  principal: Uint8Array | undefined,
): Verdict => {
  if (principal === undefined) return 'NO_PRINCIPAL';
  if (current === undefined) return 'ROOM_UNKNOWN';
  if (isDeleted(current)) return version === current.version ? 'already' : 'ROOM_DELETED';
  const member = memberOf(current, principal);
  if (member === undefined) return 'NOT_A_MEMBER';
  if (!member.admin) return 'NOT_AN_ADMIN';
  return version === current.version + 1 ? 'write' : 'VERSION_CONFLICT';
};

/** A list is never empty: what is left of a deleted room is. */
export const isDeleted = (record: RoomRecord): boolean => record.members.length === 0;

/** An edit or creation of a principal whose signature holds. */
export const judgePrincipalEdit = (current: PrincipalRecord | undefined, edit: PrincipalRecord): Verdict => {
  if (current !== undefined && edit.version === current.version) {
    return sameKeys(edit.relayKeys, current.relayKeys) ? 'already' : 'VERSION_CONFLICT';
  }
  return edit.version === (current?.version ?? 0) + 1 ? 'write' : 'VERSION_CONFLICT';
};

/** Of an edit's farewells those that are kept: for keys that it takes out. */
export const countingFarewells = (
  current: PrincipalRecord | undefined,
  relayKeys: readonly Uint8Array[],
  farewells: readonly Farewell[],
): Farewell[] =>
  farewells.filter(
    ({ relayKey }) => lists(current?.relayKeys ?? [], relayKey) && !lists(relayKeys, relayKey),
  );

const lists = (keys: readonly Uint8Array[], key: Uint8Array): boolean =>
  keys.some((listed) => sameBytes(listed, key));

/** True when `after` is `before` without `principal`, all others as they were: the principal leaves. */
const isWithout = (
  after: readonly RoomMember[],
  before: readonly RoomMember[],
  principal: Uint8Array,
): boolean =>
  sameMembers(
    after,
    before.filter((member) => !sameBytes(member.principal, principal)),
  );

const sameMembers = (a: readonly RoomMember[], b: readonly RoomMember[]): boolean =>
  a.length === b.length &&
  a.every(({ principal, admin }) =>
    b.some((other) => other.admin === admin && sameBytes(other.principal, principal)),
  );

/** Both are sorted. */
const sameKeys = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((key, i) => sameBytes(key, b[i]!));
