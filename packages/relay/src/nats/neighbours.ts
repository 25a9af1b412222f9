// What other relays do, as NATS tells it: frames and records after they are stored, signals as they are sent. What is told
// may get lost; so frames are checked against their order, and everything is looked at anew when something may have been
// missed. Rules: spec/relay-protocol.md §13 (RP160 to RP163, RP166).
import { randomBytes } from 'node:crypto';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { SealwireError } from '@sealwire/protocol';
import { keyOf } from '../keys.ts';
import type { Neighbours, RoomNews, Watch } from '../neighbours.ts';
import { decodeRoom } from '../records.ts';
import { decodeFrames } from './frame-record.ts';
import { idIn, type JetStream, type Stored } from './jetstream.ts';
import type { Principals } from './principals.ts';
import { createRoomLog, type RoomLog } from './room-log.ts';
import type { Names } from './subjects.ts';

export interface NatsNeighbours extends Neighbours {
  /** JetStream has acknowledged a message of this relay: calls `settle`, unless the message itself is `seen` first. */
  acknowledged(roomKey: string, seq: number, settle: () => void): void;
  /** Something of these rooms may have been missed. */
  lookAgain(isMeant: (room: Uint8Array) => boolean): void;
  /** Something may have been missed: looks at everything that is watched, a little at a time. */
  lookAtAll(): Promise<void>;
  end(): void;
}

export interface NatsNeighboursOptions {
  readonly connection: NatsConnection;
  readonly jetStream: JetStream;
  readonly names: Names;
  readonly principals: Principals;
  /** A message of a watched room, in its order. @returns true if this relay appended it and has been told. */
  readonly seen: (message: Stored) => boolean;
}

interface WatchedRoom {
  readonly room: Uint8Array;
  readonly log: RoomLog;
  /** Reads what was missed; once more if that is asked for while it reads. */
  catchUp(): Promise<void>;
  lookAgain(): Promise<void>;
  /** An own frame that is acknowledged: `settle` is called by its being told, which is made sure of, or by the end. */
  expect(seq: number, settle: () => void): void;
  settleExpected(): void;
}

/** Messages of a room that are held until one before them was read. */
const MOST_WAITING = 1_024;
/** So many looks at the store are under way at a time, when all is looked at. */
const LOOKS_AT_ONCE = 16;
/** Who takes longer to answer is not there. */
const BROUGHT_WITHIN_MS = 3_000;
/** Other nodes hear of a subscription a moment after this one has it; what they stored meanwhile is read after this time. */
const SPREAD_WITHIN_MS = 1_000;
/** An own frame is told about as fast as it is acknowledged; later than this it is taken for lost. */
const TOLD_WITHIN_MS = 250;

export const createNeighbours = (options: NatsNeighboursOptions): NatsNeighbours => {
  const { connection, jetStream, names, principals, seen } = options;
  const rooms = new Map<string, WatchedRoom>();
  const others = new Set<() => Promise<void> | void>();
  let isOver = false;

  const subscribe = (subject: string, told: (message: Msg) => void): Subscription =>
    connection.subscribe(subject, {
      callback(error, message) {
        if (!error) told(message);
      },
    });

  const flushed = async (): Promise<void> => {
    try {
      await connection.flush();
    } catch (cause) {
      throw new SealwireError('STORE_FAILED', 'NATS does not answer the relay.', { cause });
    }
  };

  const watchedRoom = (room: Uint8Array, news: RoomNews, isEnded: () => boolean): WatchedRoom => {
    const place = names.frames(room);
    const expected = new Set<() => void>();
    let reading: Promise<void> | undefined;
    let again = false;
    const log = createRoomLog({
      mostWaiting: MOST_WAITING,
      tell(message) {
        if (!seen(message)) news.arrived(decodeFrames(message.seq, message.data));
      },
      missed: () => void catchUp().catch(ignored),
    });

    const readOn = async (): Promise<void> => {
      do {
        again = false;
        const head = await jetStream.last(place);
        const tail = log.tail ?? 0;
        if (head === undefined || head.seq <= tail) continue;
        const messages: Stored[] = [];
        await jetStream.scan(place, tail + 1, head.seq, (message) => messages.push(message) > 0);
        if (!isEnded()) log.read(messages);
      } while (again && !isEnded());
    };

    /** What cannot be read is tried again when something else is told, or at the next look at everything. */
    const catchUp = (): Promise<void> => {
      again = true;
      reading ??= readOn().finally(() => {
        reading = undefined;
      });
      return reading;
    };

    return {
      room,
      log,
      catchUp,
      async lookAgain() {
        if (log.tail === undefined || isEnded()) return;
        await catchUp().catch(ignored);
        const found = await jetStream.last(names.record('room', room)).catch(ignored);
        if (found && !isEnded()) news.edited(decodeRoom(room, found.data));
      },
      expect(seq, settle) {
        if (log.has(seq)) return;
        expected.add(settle);
        const look = (): void => {
          if (log.has(seq)) expected.delete(settle);
          if (!expected.has(settle)) return;
          catchUp().catch(ignored);
          setTimeout(look, TOLD_WITHIN_MS).unref();
        };
        setTimeout(look, TOLD_WITHIN_MS).unref();
      },
      settleExpected() {
        for (const settle of expected) settle();
        expected.clear();
      },
    };
  };

  const watchRoom = (id: Uint8Array, news: RoomNews): Watch => {
    const room = id.slice();
    const key = keyOf(room);
    let isEnded = false;
    const watched = watchedRoom(room, news, () => isEnded || isOver);
    rooms.set(key, watched);
    const subscription = subscribe(names.live(room, '*'), (message) => {
      const what = message.subject.slice(message.subject.lastIndexOf('.') + 1);
      if (what === 'frames') watched.log.live(liveOf(message));
      else if (what === 'room') news.edited(decodeRoom(room, message.data));
      else if (what === 'signal') news.signalled(message.data);
    });
    const begin = async (): Promise<void> => {
      await flushed();
      const head = await jetStream.last(names.frames(room));
      if (isEnded) return;
      watched.log.begin(head?.seq ?? 0);
      setTimeout(() => {
        if (!isEnded && !isOver) watched.catchUp().catch(ignored);
      }, SPREAD_WITHIN_MS).unref();
    };
    return {
      ready: begin(),
      catchUp: watched.catchUp,
      end() {
        isEnded = true;
        if (rooms.get(key) === watched) rooms.delete(key);
        subscription.unsubscribe();
        watched.settleExpected();
      },
    };
  };

  /** A watch of something that is only told to have changed. */
  const watchSubjects = (
    changed: () => Promise<void> | void,
    begin: (listen: (subject: string) => void) => Promise<void>,
  ): Watch => {
    const subscriptions = new Map<string, Subscription>();
    let isEnded = false;
    const tell = (): Promise<void> | void => (isEnded || isOver ? undefined : changed());
    others.add(tell);
    return {
      ready: begin((subject) => {
        if (isEnded || subscriptions.has(subject)) return;
        subscriptions.set(
          subject,
          subscribe(subject, () => void tell()),
        );
      }),
      async catchUp() {
        await tell();
      },
      end() {
        isEnded = true;
        others.delete(tell);
        for (const subscription of subscriptions.values()) subscription.unsubscribe();
      },
    };
  };

  const watchKey = (relayKey: Uint8Array, changed: () => void): Watch => {
    const key = relayKey.slice();
    let listen: (subject: string) => void = () => {};
    /** The claim of a key comes before the edit that counts, so whoever claims it is listened to as well. */
    const findClaimant = async (): Promise<void> => {
      const principal = await principals.claimant(key);
      if (principal) listen(names.live(principal, 'principal'));
      await flushed();
    };
    return watchSubjects(
      () => findClaimant().then(changed, ignored),
      async (begin) => {
        listen = begin;
        listen(names.live(key, 'key'));
        await flushed();
        await findClaimant();
      },
    );
  };

  return {
    watchRoom,
    watchKey,
    watchInbox: (principal, changed) =>
      watchSubjects(changed, (listen) => {
        listen(names.live(principal, 'inbox'));
        return flushed();
      }),
    signal: (room, payload) => connection.publish(names.live(room, 'signal'), payload),
    post: {
      name: randomBytes(12).toString('base64url'),
      listen(place, heard) {
        const subscription = subscribe(names.post(place), (message) => {
          heard(message.data.slice());
          message.respond();
        });
        return { ready: flushed(), async catchUp() {}, end: () => subscription.unsubscribe() };
      },
      bring: (place, bytes) =>
        connection.request(names.post(place), bytes, { timeout: BROUGHT_WITHIN_MS }).then(
          () => true,
          () => false,
        ),
    },
    acknowledged(roomKey, seq, settle) {
      const watched = rooms.get(roomKey);
      if (watched?.log.tail === undefined) settle();
      else watched.expect(seq, settle);
    },
    lookAgain(isMeant) {
      void look(
        [...rooms.values()].filter(({ room }) => isMeant(room)).map((watched) => () => watched.lookAgain()),
      );
    },
    async lookAtAll() {
      await look([...rooms.values()].map((watched) => () => watched.lookAgain()));
      await look([...others]);
    },
    end() {
      isOver = true;
    },
  };
};

const liveOf = (message: Msg): Stored & { readonly before: number } => ({
  seq: Number(message.headers?.get('Nats-Sequence')),
  before: Number(message.headers?.get('Nats-Last-Sequence')),
  id: idIn(message.headers),
  data: message.data.slice(),
});

/** What cannot be read now is read when something is told next, or at the next look at everything. */
const ignored = (error: unknown): undefined => {
  if (!(error instanceof SealwireError)) throw error;
};

/** Looks one after the other, a few at a time: with many connections there is much to look at. */
const look = async (looks: readonly (() => Promise<void> | void)[]): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < looks.length) await looks[next++]!();
  };
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lane));
};
