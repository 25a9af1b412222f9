// A chat that goes on in another room at the relay: what is forgotten of the old one, and which bodies the new one is not
// known to have. Rules: spec/chats.md §4.
import { sameBytes } from '@sealwire/protocol';
import { decodeBody } from '../frame/body.ts';
import type { RoomAddress } from './keyring.ts';
import type { Waiting } from './opening.ts';
import type { RoomRecord, StoredBody } from './records.ts';
import type { LoadedRecord } from './room-vault.ts';
import { bodiesRecord, bodyKey, isOwn } from './sender.ts';
import type { RoomState } from './state.ts';

/**
 * The bodies that this device is to put into the room that the chat is in: its own, and everybody's if it signed the move.
 *
 * @param records - what the vault holds of the chat, whatever room it was in.
 */
export const findMissing = (state: RoomState, records: readonly LoadedRecord[]): void => {
  const { address, control, missing } = state;
  const move = control.chatLog()?.move;
  const isAll =
    move !== undefined && sameBytes(move.author, state.options.device.id) && sameBytes(move.room, address.id);
  missing.clear();
  const there = new Set<string>();
  for (const { record } of records)
    for (const stored of bodiesIn(record)) {
      const body = decodeBody(stored.body);
      // What is framed is on its way, or waits for its first one.
      if (record.type === 'framed' || sameBytes(record.room, address.id)) there.add(bodyKey(body));
      else if (isAll || isOwn(state, stored.stream, body)) missing.set(bodyKey(body), stored);
    }
  for (const name of there) missing.delete(name);
};

/** Whether any record is of another room than the one that the chat is in. */
export const hasMoved = ({ address }: RoomState, records: readonly LoadedRecord[]): boolean =>
  records.some(({ record }) => !sameBytes(record.room, address.id));

/**
 * Takes the state to another room, of which nothing has come yet.
 *
 * @param waiting - frames that wait, and that will come in the new room, if at all.
 */
export const moveState = (state: RoomState, address: RoomAddress, waiting: readonly Waiting[]): void => {
  const { vault } = state.options;
  state.address = address;
  state.keyring.moveTo(address);
  state.live = false;
  state.cursor = 0;
  state.cursorLimit = Number.POSITIVE_INFINITY;
  state.kept.clear();
  for (const chain of state.chains.values()) chain.position = 0;
  for (const item of state.framed) item.sent = false;
  findMissing(state, vault.records());
  // A failed vault reports itself; the chat moves once more at the next start.
  const remove = waiting.flatMap(({ record }) => record ?? []);
  vault.commit({ put: [bodiesRecord(state, [])], remove }).durable.catch(() => undefined);
};

/** What was refused is among it: those that come later must refuse it as well, and log entries prove themselves. */
const bodiesIn = (record: RoomRecord): readonly StoredBody[] => {
  if (record.type === 'bodies') return record.bodies;
  if (record.type === 'refused') return [record];
  return record.type === 'framed' ? [{ ...record, position: 0 }] : [];
};
