// Names at NATS: which stream and which subject something is at. Rules: spec/relay-protocol.md §13.

/** What records of one id there are; each replaces its predecessor. */
export type RecordKind = 'principal' | 'key' | 'room' | 'inbox' | 'usage' | 'share';

/** Where messages are: a JetStream stream, and a subject in it. */
export interface Place {
  readonly stream: string;
  readonly subject: string;
}

export interface Names {
  readonly shards: number;
  /** The one record that all relays agree upon. */
  readonly meta: Place;
  /** All frames of a room. */
  frames(room: Uint8Array): Place;
  /** Payloads of messages for an inbox. */
  letters(principal: Uint8Array): Place;
  record(kind: RecordKind, id: Uint8Array): Place;
  /** Where what happens to an id is told: frames and records, after they are stored, and signals. */
  live(id: Uint8Array, what: RecordKind | 'frames' | 'signal' | '*'): string;
  /** Where relays talk to each other, without JetStream. */
  post(place: string): string;
  /** The streams of one shard, with the subjects that they store and where they tell of them. */
  streams(shard: number): readonly StreamPlan[];
}

export interface StreamPlan {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly republish: { readonly src: string; readonly dest: string };
  /** Messages kept of one subject; undefined for all. */
  readonly perSubject: number | undefined;
}

/** @param prefix - of all names, so that several clusters of relays may share one of NATS. */
export const createNames = (prefix: string, shards: number): Names => {
  /** Ids are hashes or random, so that two bytes spread them evenly. */
  const shardOf = (id: Uint8Array): number => ((id[0]! << 8) | id[1]!) % shards;
  const token = (id: Uint8Array): string =>
    Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64url');
  return {
    shards,
    meta: { stream: `${prefix}-meta`, subject: `${prefix}.meta` },
    frames: (room) => ({
      stream: `${prefix}-frames-${shardOf(room)}`,
      subject: `${prefix}.frames.${shardOf(room)}.${token(room)}`,
    }),
    letters: (principal) => ({
      stream: `${prefix}-frames-${shardOf(principal)}`,
      subject: `${prefix}.letters.${shardOf(principal)}.${token(principal)}`,
    }),
    record: (kind, id) => ({
      stream: `${prefix}-records-${shardOf(id)}`,
      subject: `${prefix}.records.${shardOf(id)}.${kind}.${token(id)}`,
    }),
    live: (id, what) => `${prefix}.live.${token(id)}.${what}`,
    post: (place) => `${prefix}.post.${place}`,
    streams: (shard) => [
      {
        name: `${prefix}-frames-${shard}`,
        subjects: [`${prefix}.frames.${shard}.*`, `${prefix}.letters.${shard}.*`],
        republish: {
          src: `${prefix}.frames.${shard}.*`,
          dest: `${prefix}.live.{{wildcard(1)}}.frames`,
        },
        perSubject: undefined,
      },
      {
        name: `${prefix}-records-${shard}`,
        subjects: [`${prefix}.records.${shard}.*.*`],
        republish: {
          src: `${prefix}.records.${shard}.*.*`,
          dest: `${prefix}.live.{{wildcard(2)}}.{{wildcard(1)}}`,
        },
        perSubject: 1,
      },
    ],
  };
};
