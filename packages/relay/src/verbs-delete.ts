// Deleting a room. Rules: spec/relay-protocol.md §7 (RP186).
import type { ClientMessage, RelayMessage } from '@sealwire/protocol';
import { edit } from './answers.ts';
import { type Awaitable, whenRead } from './awaitable.ts';
import type { Shared } from './core.ts';
import { copyOf } from './keys.ts';
import { judgeRoomDeletion } from './rights.ts';
import type { Session } from './session.ts';

export const deleteRoom = (
  shared: Shared,
  session: Session,
  message: Extract<ClientMessage, { readonly type: 'delete-room' }>,
): Awaitable<RelayMessage | undefined> => {
  const { store, rooms } = shared;
  const { request, version } = message;
  const room = copyOf(message.room);
  return whenRead(rooms.record(room), (record) =>
    edit(shared, session, {
      request,
      version,
      verdict: judgeRoomDeletion(record, version, session.principal),
      write: () => store.deleteRoom(room, version),
      written: () => {
        rooms.edited({ room, version, members: [] });
        shared.roomDeleted(room);
      },
    }),
  );
};
