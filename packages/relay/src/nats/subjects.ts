// Names at NATS: which stream and which subject something is at. Rules: spec/relay-protocol.md §13.

import { SealwireError } from '@sealwire/protocol';
import type { BlobAddress } from '../blob-store.ts';

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
  /** All that is stored of a blob. */
  blob(address: BlobAddress): Place;
  /** All blobs of a room. */
  blobs(room: Uint8Array): Place;
  /** Says that a blob is begun. */
  begun(blob: BegunBlob): Place;
  /** Begun blobs of a principal, of a room, or all. */
  begunOf(of: { readonly principal?: Uint8Array; readonly room?: Uint8Array }): Place;
  /** What the subject of `begun` says. @throws SealwireError STORE_FAILED for another one. */
  parseBegun(subject: string): BegunBlob;
  /** Where what happens to an id is told: frames and records, after they are stored, and signals. */
  live(id: Uint8Array, what: RecordKind | 'frames' | 'signal' | '*'): string;
  /** Where relays talk to each other, without JetStream. */
  post(place: string): string;
  /** The streams of one shard, with the subjects that they store and where they tell of them. */
  streams(shard: number): readonly StreamPlan[];
  /** The streams of blobs, of all shards. */
  blobStreams(): readonly StreamPlan[];
}

export interface BegunBlob {
  readonly address: BlobAddress;
  readonly size: number;
  readonly principal: Uint8Array;
}

export interface StreamPlan {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Where what is stored is told of. Default: nowhere. */
  readonly republish?: { readonly src: string; readonly dest: string };
  /** Messages kept of one subject; undefined for all. */
  readonly perSubject: number | undefined;
}

/** @param prefix - of all names, so that several clusters of relays may share one of NATS. */
export const createNames = (prefix: string, shards: number): Names => {
  /** Ids are hashes or random, so that two bytes spread them evenly. */
  const shardOf = (id: Uint8Array): number => ((id[0]! << 8) | id[1]!) % shards;
  const token = (id: Uint8Array): string =>
    Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64url');
  const idIn = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
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
    blob: ({ room, name }) => ({
      stream: `${prefix}-blobs-${shardOf(room)}`,
      subject: `${prefix}.blobs.${shardOf(room)}.${token(room)}.${token(name)}`,
    }),
    blobs: (room) => ({
      stream: `${prefix}-blobs-${shardOf(room)}`,
      subject: `${prefix}.blobs.${shardOf(room)}.${token(room)}.*`,
    }),
    begun: ({ address: { room, name }, size, principal }) => ({
      stream: `${prefix}-begun`,
      subject: `${prefix}.begun.${token(principal)}.${token(room)}.${token(name)}.${size}`,
    }),
    begunOf: ({ principal, room }) => ({
      stream: `${prefix}-begun`,
      subject: `${prefix}.begun.${principal ? token(principal) : '*'}.${room ? token(room) : '*'}.*.*`,
    }),
    parseBegun(subject) {
      const [principal, room, name, size] = subject.split('.').slice(2);
      if (!principal || !room || !name || !size)
        throw new SealwireError('STORE_FAILED', 'A name of a blob at NATS is damaged.');
      return {
        address: { room: idIn(room), name: idIn(name) },
        size: Number(size),
        principal: idIn(principal),
      };
    },
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
    blobStreams: () => [
      ...Array.from({ length: shards }, (_, shard) => ({
        name: `${prefix}-blobs-${shard}`,
        subjects: [`${prefix}.blobs.${shard}.*.*`],
        perSubject: undefined,
      })),
      { name: `${prefix}-begun`, subjects: [`${prefix}.begun.*.*.*.*`], perSubject: 1 },
    ],
  };
};
