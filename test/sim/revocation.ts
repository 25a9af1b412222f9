// Devices that their account ends: they are logged out from the phone, or log themselves out, and do not always know it.
// What must hold of them: spec/device-log.md, spec/epochs.md, spec/frame.md §8.
import {
  decodeBody,
  decodeEntries,
  deviceIdOf,
  devicePublic,
  type KnownRoom,
  openAccountKey,
  openEpoch,
  openFrame,
  readKeys,
  type SignedEntry,
  streamKey,
} from '@sealwire/core/testing';
import { CONTROL_STREAM, SealwireError, toHex } from '@sealwire/protocol';
import type { SimDevice } from './device.ts';
import type { DiskContents } from './disk.ts';
import type { Stage } from './stage.ts';
import { SimFailure } from './world.ts';

/** A device that is one of the account's no more. */
export interface Ended {
  readonly device: SimDevice;
  /** What was on its disk when somebody wished it gone: with these keys it must read nothing that comes later. */
  readonly copy: DiskContents;
  /** When somebody wished it gone. */
  readonly at: number;
  /** When the last of the others knew: from then on nothing is written for it. */
  knownAt: number | undefined;
  /** Told when nothing that it says counts any more. */
  readonly over?: () => void;
  /** It does not care that it was logged out: it never wipes itself. */
  readonly isGhost?: boolean;
}

/** How often the others are asked whether they know. */
const LOOK_MS = 500;
/** A slow network brings a frame to the relay at most this long after it was sealed. */
const TRANSIT_MS = 10_000;
/** Looks in a row that find the phone at rest: then it has cut the device in every room, and what comes later does not count. */
const RESTING_LOOKS = 4;
/** After it, a device that is still listed is logged out once more. */
const AGAIN_MS = 20_000;
/** Within it, once all is well, an ended device that comes back hears of its end. */
const HEARS_MS = 5 * 60_000;

/** Somebody ends a device: from the phone, or by its own person. @returns false if there is none to end. */
export const endOne = (stage: Stage): boolean => {
  const { world, phone, story, devices, ended, ledger } = stage;
  const owner = phone.device;
  const listed = new Set(owner?.devices.get().map(({ id }) => id));
  const others = devices.filter((device) => device !== phone && listed.has(device.id));
  if (!owner || others.length === 0) return false;
  const device = story.pick(others);
  const byItself = device.device?.status.get().connection === 'online' && story.chance(0.25);
  const end: Ended = { device, copy: device.disk.copy(), at: stage.world.now(), knownAt: undefined };
  devices.splice(devices.indexOf(device), 1);
  ended.push(end);
  // What every other device shows now has been accepted by all: it stays. Of the rest nobody can say.
  ledger.ended(device.id, (word) => devices.every((other) => other.shows(word.chat, word.text)));
  world.note(device.name, byItself ? 'logs itself out' : 'is logged out by the phone');
  world.count(byItself ? 'ended by itself' : `ended while ${device.life === 'on' ? 'on' : 'off'}`);
  follow(stage, device, byItself ? device.device!.logOut() : owner.logOutDevice(device.id));
  watch(stage, end);
  return true;
};

/** The account logs out a device that has turned against it, at a relay that goes on serving it. @returns false if it cannot. */
export const endGhost = (stage: Stage, device: SimDevice, over: () => void): boolean => {
  const { world, phone, relay, devices, ended, ledger } = stage;
  if (!phone.device?.devices.get().some(({ id }) => id === device.id)) return false;
  relay.keepGhosts();
  const end: Ended = {
    device,
    copy: device.disk.copy(),
    at: stage.world.now(),
    knownAt: undefined,
    over,
    isGhost: true,
  };
  ended.push(end);
  ledger.ended(device.id, (word) => devices.every((other) => other.shows(word.chat, word.text)));
  world.note(device.name, 'is logged out by the phone, and the relay goes on serving it');
  world.count('ended, and served as a ghost');
  follow(stage, device, phone.device.logOutDevice(device.id));
  watch(stage, end);
  return true;
};

const follow = ({ world }: Stage, { name }: SimDevice, wish: Promise<void>): void => {
  wish.then(
    () => world.note(name, 'is logged out'),
    (error: unknown) => {
      if (!(error instanceof SealwireError) && !(error instanceof RangeError)) throw error;
      world.note(name, `the log-out ends with ${(error as SealwireError).code ?? error.message}`);
    },
  );
};

/** Notes the moment from which all the others know, and the one from which nothing that the device says counts. */
const watch = (stage: Stage, end: Ended): void => {
  const { world, devices, ledger, phone } = stage;
  const { device } = end;
  let askedAt = world.now();
  let resting = 0;
  const look = (): void => {
    const know = devices.every(({ device: other }) =>
      other?.devices.get().every(({ id }) => id !== device.id),
    );
    const { connection, pending } = phone.device?.status.get() ?? {};
    resting = know && connection === 'online' && pending === 0 ? resting + 1 : 0;
    if (know && end.knownAt === undefined) {
      end.knownAt = world.now();
      world.note(device.name, 'is known by all to be logged out');
    }
    if (resting >= RESTING_LOOKS) {
      ledger.isOver(device.id);
      end.over?.();
      world.note(device.name, 'says nothing more that counts');
      return;
    }
    if (phone.device?.devices.get().some(({ id }) => id === device.id)) sayAgain();
    world.after(LOOK_MS, look);
  };
  /** The wish was lost with the phone's power, or with what the device itself had not said. */
  const sayAgain = (): void => {
    end.knownAt = undefined;
    if (world.now() <= askedAt + AGAIN_MS) return;
    askedAt = world.now();
    follow(stage, device, phone.device!.logOutDevice(device.id));
  };
  world.after(LOOK_MS, look);
};

/** What must hold of ended devices when everything is well again. @throws SimFailure */
export const checkEnded = async (stage: Stage): Promise<void> => {
  const { world, ended } = stage;
  for (const { device, knownAt, isGhost } of ended) {
    if (knownAt === undefined)
      throw new SimFailure(`${device.name} was logged out, and somebody never heard of it`);
    if (isGhost) continue;
    device.open();
    const hasHeard = (): boolean => device.life === 'off' && device.disk.isEmpty();
    const look = (): void => {
      if (device.device?.status.get().problem?.code === 'LOGGED_OUT') device.close();
      if (!hasHeard()) world.after(LOOK_MS, look);
    };
    look();
    if (!(await world.run(world.now() + HEARS_MS, hasHeard)))
      throw new SimFailure(
        `${device.name} was logged out, is ${device.life} and ${device.disk.isEmpty() ? 'empty' : 'keeps what it had'}`,
      );
    world.count('ended devices that wiped themselves');
  }
};

/** With all keys that an ended device had, nothing opens that was sealed after all others knew. @throws SimFailure */
export const checkReaches = async (stage: Stage): Promise<void> => {
  const { world, ended } = stage;
  for (const end of ended) {
    if (end.copy.rows.length === 0 || end.device.life !== 'off') continue;
    end.device.disk.restore(end.copy);
    let over = false;
    const read = eavesdrop(stage, end).finally(() => {
      over = true;
    });
    await world.run(world.now() + 60_000, () => over);
    await read;
  }
};

const eavesdrop = async ({ world, wiretap, ended }: Stage, { device, knownAt }: Ended): Promise<void> => {
  const { self, rooms } = await readKeys(device.disk.storage);
  const { root } = self.log;
  const deviceId = deviceIdOf(devicePublic(self.secrets).identity);
  const frames = [...wiretap.frames.values()];
  const entriesOf = (room: KnownRoom): SignedEntry[] => {
    const key = streamKey(room.secret, room.id, CONTROL_STREAM, room.logId);
    return frames.flatMap(({ stream, room: of, frame }) => {
      if (stream !== CONTROL_STREAM || of !== toHex(room.id)) return [];
      return orNone(() => decodeEntries(decodeBody(openFrame(key, frame)).payload)).filter(
        (entry): entry is SignedEntry => !(entry instanceof Error),
      );
    });
  };
  const known = rooms.map((room) => ({ room, entries: entriesOf(room) }));
  const accountKeys = [...self.accountKeys];
  for (const { entry } of known[0]!.entries)
    if (entry.type === 'account-key') {
      const key = await openAccountKey(entry, root, deviceId, self.secrets.hpke).catch(refused);
      if (key) accountKeys.push(key);
    }
  // Who was to go as well by then is none of the others, and may never have heard of it: what it writes is void.
  const gone = new Set(ended.filter(({ at }) => at <= knownAt!).map((end) => end.device.name));
  for (const { room, entries } of known) {
    const epochKeys = [...room.epochKeys];
    for (const { entry } of entries)
      if (entry.type === 'epoch')
        for (const accountKey of accountKeys) {
          const key = await openEpoch(entry, root, accountKey).catch(refused);
          if (key) epochKeys.push(key);
        }
    let later = 0;
    for (const { stream, room: of, frame, author, seenAt } of frames) {
      if (
        of !== toHex(room.id) ||
        stream === CONTROL_STREAM ||
        gone.has(author) ||
        seenAt <= knownAt! + TRANSIT_MS
      )
        continue;
      later += 1;
      for (const key of epochKeys)
        if (orNone(() => [openFrame(streamKey(key, room.id, stream, room.logId), frame)]).length > 0)
          throw new SimFailure(
            `${device.name} can read what ${author} wrote after all knew that it was logged out`,
          );
    }
    world.count('frames that an ended device cannot open', later);
  }
};

const orNone = <T>(open: () => readonly T[]): readonly T[] => {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealwireError) return [];
    throw error;
  }
};

const refused = (error: unknown): undefined => {
  if (!(error instanceof SealwireError)) throw error;
  return undefined;
};
