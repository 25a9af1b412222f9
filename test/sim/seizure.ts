// Somebody takes the rooms of chats at the relay, and lets nobody in any more; people notice and move on. Rules:
// spec/chats.md §4.
import type { SimDevice } from './device.ts';
import { everybody } from './society.ts';
import type { Stage } from './stage.ts';

/** How often people look whether they are let in. */
const LOOK_MS = 5_000;
/** What people take to move on once nothing breaks any more. */
const PATIENCE_MS = 10 * 60_000;

/** What the cast needs of the rooms that were taken. */
export interface Seizures {
  /** Takes the room of a chat of somebody who is there. */
  seize(): void;
  /** An admin who is not let in moves the chat, perhaps. */
  moveOn(): void;
  /** Makes another an admin: several may move a chat at once. */
  promote(): void;
  /** Waits until no chat is in a room that was taken. */
  settle(): Promise<void>;
}

export const createSeizures = (stage: Stage): Seizures => {
  const { world, story, relay, network } = stage;
  /** Ids of rooms, hexadecimal. */
  const seized = new Set<string>();
  const on = (): SimDevice[] => everybody(stage).filter(({ life }) => life === 'on');
  const stuck = (device: SimDevice): string[] =>
    [...device.rooms()].flatMap(([chat, room]) => (seized.has(room) ? [chat] : []));

  const seize = (): void => {
    const rooms = on().flatMap((device) => [...device.rooms().values()]);
    const free = [...new Set(rooms)].filter((room) => !seized.has(room));
    if (free.length === 0 || !relay.isUp()) return;
    const room = story.pick(free);
    if (!relay.seize(room)) return;
    // Who follows it hears of the new list with the next connection.
    for (const connection of network.connections()) connection.cut();
    seized.add(room);
    world.note('relay', `hands ${room.slice(0, 8)} over`);
    world.count('rooms seized');
  };

  const adminOf = (device: SimDevice, chat: string): boolean =>
    device
      .chat(chat)
      ?.members.get()
      .some(({ isMe, role }) => isMe && role === 'admin') ?? false;

  const moveOn = (): void => {
    for (const device of on())
      for (const chat of stuck(device)) {
        if (!adminOf(device, chat) || device.chat(chat)?.status.get().state !== 'refused') continue;
        if (story.chance(0.5)) continue;
        world.count('chats moved');
        device.moveRoom(chat);
      }
  };

  const promote = (): void => {
    const admins = on().flatMap((device) =>
      [...device.rooms().keys()].flatMap((chat) => (adminOf(device, chat) ? [{ device, chat }] : [])),
    );
    if (admins.length === 0) return;
    const { device, chat } = story.pick(admins);
    const others = device
      .chat(chat)!
      .members.get()
      .filter(({ isMe, role }) => !isMe && role === 'member');
    if (others.length > 0) device.promote(chat, story.pick(others).accountId);
  };

  return {
    seize,
    moveOn,
    promote,
    async settle() {
      const end = world.now() + PATIENCE_MS;
      const isFree = (): boolean => everybody(stage).every((device) => stuck(device).length === 0);
      while (world.now() < end && !isFree()) {
        moveOn();
        await world.run(world.now() + LOOK_MS, isFree);
      }
    },
  };
};
