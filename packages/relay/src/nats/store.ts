// The relay's store over a NATS JetStream cluster: any number of relays, none with state of its own.
// Rules: spec/relay-protocol.md §7 and §13.
import type { NatsConnection } from '@nats-io/transport-node';
import { SealwireError } from '@sealwire/protocol';
import { copyOf, keyOf } from '../keys.ts';
import { decodeRoom, encodeRoom } from '../records.ts';
import { FRAME_OVERHEAD, type LogStore, type RoomRecord } from '../store.ts';
import { createFrames } from './frames.ts';
import { createInboxes } from './inboxes.ts';
import type { JetStream } from './jetstream.ts';
import { createNeighbours, type NatsNeighbours } from './neighbours.ts';
import { openPlace } from './open.ts';
import type { NatsStoreOptions } from './options.ts';
import { createPrincipals } from './principals.ts';
import { createRecords, type Records } from './records.ts';
import { createShares } from './shares.ts';
import type { Names } from './subjects.ts';
import { createUsages } from './usage.ts';

const USAGE_FLUSH_MS = 10_000;
/** Everything that is watched is looked at once in this time, should something have got lost that nobody noticed. */
const LOOK_AGAIN_MS = 300_000;

/**
 * Opens the store, and makes what is not there. Any number of processes may hold it at a time.
 *
 * @throws SealwireError (rejects) STORE_FAILED if the cluster cannot be reached within 30 s, or holds another format.
 */
export const natsStore = async (options: NatsStoreOptions): Promise<LogStore> => {
  const { connection, jetStream, names, relayId } = await openPlace(options, ({ shards, streams }) =>
    Array.from({ length: shards }, (_, shard) => streams(shard)).flat(),
  );
  return compose(connection, jetStream, names, relayId);
};

const compose = (
  connection: NatsConnection,
  jetStream: JetStream,
  names: Names,
  relayId: Uint8Array,
): LogStore => {
  const records = createRecords(jetStream, names);
  const principals = createPrincipals(records);
  const inboxes = createInboxes(jetStream, names, records);
  const usages = createUsages(records, () => performance.now());
  const shares = createShares(records, () => performance.now());
  /** Rooms that are being deleted: until the record says so, appends are refused by this. */
  const going = new Set<string>();
  const deleteRoom = async (room: Uint8Array, version: number): Promise<void> => {
    const id = copyOf(room);
    going.add(keyOf(id));
    try {
      await putRoom(records, { room: id, version, members: [] }, false);
      await frames.purge(id);
      for (const { principal, usage } of await shares.forget(id))
        usages.count(principal, { rooms: -usage.rooms, bytes: -usage.bytes });
    } finally {
      // By then whoever asked for it has taken in the record.
      setImmediate(() => going.delete(keyOf(id)));
    }
  };
  const frames = createFrames({
    jetStream,
    names,
    acknowledged: (key, seq, settle) => neighbours.acknowledged(key, seq, settle),
  });
  const neighbours = createNeighbours({ connection, jetStream, names, principals, seen: frames.seen });
  const stopWatching = watchCluster(connection, names, neighbours);
  const flushing = setInterval(() => {
    void usages.flush().catch(ignored);
    void shares.flush().catch(ignored);
  }, USAGE_FLUSH_MS).unref();
  let isClosed = false;
  let closing: Promise<void> | undefined;

  const open = <T>(write: () => Promise<T>): Promise<T> =>
    isClosed ? Promise.reject(new SealwireError('CLOSED', 'The store is closed.')) : write();

  const close = async (): Promise<void> => {
    clearInterval(flushing);
    await frames.idle();
    await records.idle();
    await usages.flush();
    await shares.flush();
    stopWatching();
    neighbours.end();
    await connection.close();
  };

  return {
    relayId,
    neighbours,
    principal: principals.principal,
    principalOf: principals.principalOf,
    farewell: principals.farewell,
    async room(room) {
      const found = await records.get('room', room);
      return found && decodeRoom(copyOf(room), found.data);
    },
    head: frames.head,
    read: frames.read,
    usage: usages.usage,
    share: shares.share,
    hasStream: shares.hasStream,
    deleteRoom: (room, version) => open(() => deleteRoom(room, version)),
    charge: ({ room, principal, bytes }) =>
      open(async () => {
        // What it took in a deleted room was given back with the room.
        const found = await records.get('room', room);
        if (found && decodeRoom(room, found.data).members.length === 0) return;
        usages.count(principal, { rooms: 0, bytes });
        shares.count(room, { bytes, author: principal });
      }),
    inbox: inboxes.inbox,
    readInbox: inboxes.read,
    putPrincipal: (edit) => open(() => principals.put(edit)),
    putRoom: (record, maker) =>
      open(async () => {
        await putRoom(records, record);
        if (!maker || record.version !== 1) return;
        usages.count(maker, { rooms: 1, bytes: 0 });
        shares.count(record.room, { bytes: 0, author: maker, rooms: 1 });
      }),
    append: (frame) =>
      open(async () => {
        const { room, stream, author } = frame;
        if (going.has(keyOf(room))) throw new SealwireError('ROOM_DELETED', 'The room was deleted.');
        const position = await frames.append(frame);
        const bytes = frame.frame.length + FRAME_OVERHEAD;
        if (author) usages.count(author, { rooms: 0, bytes });
        shares.count(room, { bytes, stream, author });
        return position;
      }),
    putInbox: (edit) => open(() => inboxes.put(edit)),
    appendToInbox: (message) => open(() => inboxes.append(message)),
    removeFromInbox: (principal, numbers) => open(() => inboxes.remove(principal, numbers)),
    close() {
      isClosed = true;
      closing ??= close();
      return closing;
    },
  };
};

/** @param mayBeNew - false for an edit that needs a room to be there. */
const putRoom = (records: Records, record: RoomRecord, mayBeNew = true): Promise<void> => {
  const room = copyOf(record.room);
  const value = encodeRoom(record);
  return records.inTurn(`room${Buffer.from(room).toString('latin1')}`, () =>
    records.update('room', room, (current) => {
      if (!current && !mayBeNew) throw new SealwireError('ROOM_UNKNOWN', 'There is no such room.');
      const version = current ? decodeRoom(room, current).version : 0;
      if (record.version === version + 1) return value;
      throw new SealwireError(
        'VERSION_CONFLICT',
        `Version ${record.version} does not follow ${version}; read and edit again.`,
      );
    }),
  );
};

/** Looks at everything again after a moment in which NATS may have told something to nobody. */
const watchCluster = (connection: NatsConnection, names: Names, neighbours: NatsNeighbours): (() => void) => {
  const follow = async (): Promise<void> => {
    for await (const { type } of connection.status()) if (type === 'reconnect') void neighbours.lookAtAll();
  };
  void follow();
  // A new leader does not tell of what the one before stored and had no time to tell of.
  const elected = connection.subscribe('$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*', {
    callback(error, message) {
      if (error) return;
      const stream = message.subject.slice(message.subject.lastIndexOf('.') + 1);
      neighbours.lookAgain((room) =>
        [names.frames(room).stream, names.record('room', room).stream].includes(stream),
      );
    },
  });
  const looking = setInterval(() => void neighbours.lookAtAll(), LOOK_AGAIN_MS).unref();
  return () => {
    clearInterval(looking);
    elected.unsubscribe();
  };
};

/** Counted again at the next time. */
const ignored = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
