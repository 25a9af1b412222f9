// JetStream as the store uses it: publish once however often it is tried, read from the leader, scan one subject.
// Rules: spec/relay-protocol.md §13.
import { randomBytes } from 'node:crypto';
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { SealwireError } from '@sealwire/protocol';
import type { Place } from './subjects.ts';

/** A message as it is stored. */
export interface Stored {
  /** Of the JetStream stream: rises within a subject, with gaps. */
  readonly seq: number;
  readonly data: Uint8Array;
  /** Of the publish that stored it. */
  readonly id: string;
}

/** The same, as it is read. */
export interface Found extends Stored {
  readonly subject: string;
  /** Milliseconds since 1970 on the clock of the node that stored it. */
  readonly time: number;
}

export interface JetStream {
  /** A name for a publish, never used before. */
  newId(): string;
  /**
   * Stores a message. Tried again with the same id, which JetStream stores once, until PATIENCE_MS have passed.
   *
   * @param expected - sequence number of the subject's last message, 0 for none.
   * @returns the sequence number; undefined if `expected` is not so.
   * @throws SealwireError (rejects) STORE_FULL, or STORE_FAILED: it may be stored all the same.
   */
  publish(place: Place, data: Uint8Array, options?: PublishOptions): Promise<number | undefined>;
  /** The last message of a subject, as its leader has it. */
  last(place: Place): Promise<Found | undefined>;
  /** The first message of a subject from a sequence number on, as its leader has it. */
  next(place: Place, from: number): Promise<Found | undefined>;
  /** One message by its number. */
  at(stream: string, seq: number): Promise<Found | undefined>;
  /**
   * One message by its number, or the first of a subject from it on, from any node that has it: what never changes.
   */
  near(place: Place, seq: number, which: 'this' | 'next'): Promise<Found | undefined>;
  /** Subjects with messages that a pattern fits, as the leader has them. */
  subjects(place: Place): Promise<string[]>;
  /** Messages of a subject in their order, until `take` says false or the one with `upTo` was taken. */
  scan(place: Place, from: number, upTo: number, take: (message: Stored) => boolean): Promise<void>;
  /** Removes all messages of a subject. @returns how many there were; 0 also where a first try did it unheard. */
  purge(place: Place): Promise<number>;
  /** A message that is not there is no fault. */
  remove(stream: string, seq: number): Promise<void>;
  readonly manager: JetStreamManager;
}

export interface PublishOptions {
  readonly id?: string;
  readonly expected?: number;
}

/** How long something is tried while the cluster chooses a leader or the network is cut. */
const PATIENCE_MS = 30_000;
/** An answer that takes longer than this is asked for again. */
const ATTEMPT_MS = 4_000;
const BETWEEN_MS = 100;
/** Messages asked for at once in a scan. */
const SCAN_MESSAGES = 512;

const ID_HEADER = 'Nats-Msg-Id';
const WRONG_LAST_SEQUENCE = 10_071;
const NOT_FOUND = 10_037;
/** Of a removal: there is no such message, or it was removed before. */
const GONE = [NOT_FOUND, 10_043, 10_057];
/** No storage left: of the server, of the account, of the stream. */
const FULL = [10_023, 10_028, 10_047, 10_077];

export const idIn = (found: MsgHdrs | undefined): string => found?.get(ID_HEADER) ?? '';

export const openJetStream = async (connection: NatsConnection): Promise<JetStream> => {
  const client: JetStreamClient = jetstream(connection, { timeout: ATTEMPT_MS });
  const manager = await patiently(() =>
    jetstreamManager(connection, { timeout: ATTEMPT_MS, checkAPI: true }),
  );
  const self = randomBytes(9).toString('base64url');
  let published = 0;

  /** From the leader: other replicas may not have yet what was acknowledged. */
  const get = (stream: string, query: object): Promise<Found | undefined> =>
    patiently(async () => {
      try {
        const found = await manager.streams.getMessage(
          stream,
          query as Parameters<typeof manager.streams.getMessage>[1],
        );
        return found === null ? undefined : storedOf(found);
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return undefined;
        throw error;
      }
    });

  const directly = (stream: string, query: object): Promise<Found | undefined> =>
    patiently(async () => {
      const found = await manager.direct.getMessage(
        stream,
        query as Parameters<typeof manager.direct.getMessage>[1],
      );
      return found === null ? undefined : storedOf(found);
    });

  const lastOf = ({ stream, subject }: Place): Promise<Found | undefined> =>
    get(stream, { last_by_subj: subject });

  return {
    manager,
    newId: () => `${self}.${++published}`,

    publish(place, data, { id = `${self}.${++published}`, expected } = {}) {
      const expect = {
        streamName: place.stream,
        ...(expected !== undefined && { lastSubjectSequence: expected }),
      };
      return patiently(async () => {
        try {
          const { seq } = await client.publish(place.subject, data, { msgID: id, expect, retries: 1 });
          return seq;
        } catch (error) {
          if (!(error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE)) throw error;
          // It may be the last one itself, if it was stored by a try whose answer never came.
          const last = expected === undefined ? undefined : await lastOf(place);
          return last?.id === id ? last.seq : undefined;
        }
      });
    },

    last: lastOf,
    next: ({ stream, subject }, from) => get(stream, { seq: from, next_by_subj: subject }),
    at: (stream, seq) => get(stream, { seq }),

    async near({ stream, subject }, seq, which) {
      const query = which === 'this' ? { seq } : { seq, next_by_subj: subject };
      // A node that lags behind does not have it yet.
      return (await directly(stream, query)) ?? get(stream, query);
    },
    subjects: ({ stream, subject }) =>
      patiently(async () => {
        const { state } = await manager.streams.info(stream, { subjects_filter: subject });
        return Object.keys(state.subjects ?? {});
      }),

    scan: (place, from, upTo, take) => {
      // What was taken stays taken when an attempt fails on the way.
      let next = from;
      return patiently(async () => {
        const { name } = await manager.consumers.add(place.stream, {
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: next,
          filter_subject: place.subject,
          mem_storage: true,
          num_replicas: 1,
          inactive_threshold: 30_000 * 1_000_000,
        });
        const consumer = await client.consumers.get(place.stream, name);
        try {
          for (;;) {
            let came = 0;
            for await (const message of await consumer.fetch({
              max_messages: SCAN_MESSAGES,
              expires: ATTEMPT_MS,
            })) {
              came++;
              next = message.seq + 1;
              const more = take({ seq: message.seq, data: message.data, id: idIn(message.headers) });
              if (!more || message.seq >= upTo) return;
              // A fetch would wait for messages that are not there yet.
              if (message.info.pending === 0) break;
            }
            if (came === 0) throw new Error('nothing came of a scan');
          }
        } finally {
          await consumer.delete().catch(() => false);
        }
      });
    },

    purge: ({ stream, subject }) =>
      patiently(async () => (await manager.streams.purge(stream, { filter: subject })).purged),

    remove: (stream, seq) =>
      patiently(async () => {
        try {
          await manager.streams.deleteMessage(stream, seq, false);
        } catch (error) {
          if (!(error instanceof JetStreamApiError && GONE.includes(error.code))) throw error;
        }
      }),
  };
};

const storedOf = (found: StoredMsg): Found => ({
  seq: found.seq,
  subject: found.subject,
  data: found.data,
  id: idIn(found.header),
  time: found.time.getTime(),
});

/** Tries again while the cluster has no leader or cannot be reached. @throws SealwireError (rejects). */
export const patiently = async <T>(attempt: () => Promise<T>): Promise<T> => {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (cause instanceof SealwireError) throw cause;
      if (cause instanceof JetStreamApiError && FULL.includes(cause.code)) {
        throw new SealwireError('STORE_FULL', 'NATS has no room left for the relay; give it more.', {
          cause,
        });
      }
      const isClosed = (cause as Error).name === 'ClosedConnectionError';
      if (isClosed || performance.now() > until) {
        throw new SealwireError('STORE_FAILED', 'NATS does not answer the relay.', { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }
};
