// The way to a store at NATS: connects, reads what its relays agree upon, and makes the streams that are not there.
// Rules: spec/relay-protocol.md §13.
import { randomBytes } from 'node:crypto';
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type RetentionPolicy,
  type StorageType,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { RELAY_ID_BYTES, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { copyOf } from '../keys.ts';
import { type JetStream, openJetStream, patiently } from './jetstream.ts';
import type { NatsStoreOptions } from './options.ts';
import { createNames, type Names, type StreamPlan } from './subjects.ts';

/** A store that is connected to. */
export interface OpenPlace {
  readonly connection: NatsConnection;
  readonly jetStream: JetStream;
  readonly names: Names;
  readonly relayId: Uint8Array;
}

const FORMAT = 1;
/** A connection that is silent is noticed after three of these. */
const PING_MS = 2_000;

/**
 * @param plansOf - the streams that must be there.
 * @throws SealwireError (rejects) STORE_FAILED if the cluster cannot be reached within 30 s, or holds another format;
 *   RangeError for options that are none.
 */
export const openPlace = async (
  options: NatsStoreOptions,
  plansOf: (names: Names) => readonly StreamPlan[],
): Promise<OpenPlace> => {
  const { prefix = 'sealwire', shards = 16, replicas = 3 } = options;
  if (!/^[a-zA-Z0-9-]+$/.test(prefix)) throw new RangeError('prefix: not letters, digits and -');
  if (!(Number.isInteger(shards) && shards > 0)) throw new RangeError('shards: not a number above 0');
  const connection = await connected(options);
  try {
    const jetStream = await openJetStream(connection);
    const made = createNames(prefix, shards);
    await ensureStream(jetStream.manager, replicas, {
      name: made.meta.stream,
      subjects: [made.meta.subject],
      max_msgs_per_subject: 1,
    });
    const meta = await readMeta(jetStream, made);
    const names = createNames(prefix, meta.shards);
    await Promise.all(
      plansOf(names).map(({ name, subjects, republish, perSubject }) =>
        ensureStream(jetStream.manager, replicas, {
          name,
          subjects: [...subjects],
          ...(republish && { republish }),
          ...(perSubject !== undefined && { max_msgs_per_subject: perSubject }),
        }),
      ),
    );
    return { connection, jetStream, names, relayId: meta.relayId };
  } catch (error) {
    await connection.close();
    throw error;
  }
};

const connected = (options: NatsStoreOptions): Promise<NatsConnection> => {
  const { servers, user, pass, token, tls, discover = true } = options;
  return patiently(() =>
    connect({
      name: 'sealwire relay',
      servers: [...servers],
      ...(user !== undefined && { user }),
      ...(pass !== undefined && { pass }),
      ...(token !== undefined && { token }),
      ...(tls && { tls }),
      ignoreClusterUpdates: !discover,
      noEcho: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: PING_MS,
      maxPingOut: 2,
    }),
  );
};

const ensureStream = (
  manager: JetStreamManager,
  replicas: number,
  config: Parameters<JetStreamManager['streams']['add']>[0] & { readonly name: string },
): Promise<unknown> =>
  patiently(async () => {
    try {
      return await manager.streams.info(config.name);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
    }
    return manager.streams.add({
      ...config,
      num_replicas: replicas,
      retention: 'limits' as RetentionPolicy,
      storage: 'file' as StorageType,
      // What is full refuses what comes, and forgets nothing.
      discard: config.max_msgs_per_subject === undefined ? DiscardPolicy.New : DiscardPolicy.Old,
      duplicate_window: 120 * 1_000_000_000,
      allow_direct: true,
    });
  });

const STREAM_NOT_FOUND = 10_059;

/** What all relays of the store have in common: whoever comes first decides. */
const readMeta = async (
  jetStream: JetStream,
  { meta, shards }: Names,
): Promise<{ readonly relayId: Uint8Array; readonly shards: number }> => {
  const own = encoding.encode((to) => {
    encoding.writeUint8(to, FORMAT);
    encoding.writeUint8Array(to, randomBytes(RELAY_ID_BYTES));
    encoding.writeVarUint(to, shards);
  });
  await jetStream.publish(meta, own, { expected: 0 });
  const stored = await jetStream.last(meta);
  const from = new Reader(stored?.data ?? own);
  const format = from.byte();
  if (format !== FORMAT) {
    throw new SealwireError('STORE_FAILED', `The relay's store at NATS has format ${format}, not ${FORMAT}.`);
  }
  return { relayId: copyOf(from.fixed(RELAY_ID_BYTES)), shards: from.positive() };
};
