// What rooms take at NATS, and whose it is: counted in memory, and added to a record of the room from time to time. Which
// streams a room has stands there as well, 8 bytes each. Rules: spec/relay-protocol.md §12 and §13 (RP165).
import { createHash } from 'node:crypto';
import { PRINCIPAL_ID_BYTES, Reader, SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { Author } from '../authored.ts';
import type { Awaitable } from '../awaitable.ts';
import { boundedMap } from '../bounded-map.ts';
import { copyOf, keyOf } from '../keys.ts';
import type { RoomShare, Usage } from '../store.ts';
import type { Records } from './records.ts';

export interface Shares {
  share(room: Uint8Array): Awaitable<RoomShare>;
  /** Whether a frame of the stream was counted. */
  hasStream(room: Uint8Array, stream: string): Awaitable<boolean>;
  count(room: Uint8Array, more: MoreOfRoom): void;
  /** Empties the record of a room that is deleted. @returns who had what there. */
  forget(room: Uint8Array): Promise<Author[]>;
  /** Adds what was counted to the records. */
  flush(): Promise<void>;
}

export interface MoreOfRoom {
  readonly bytes: number;
  /** Of a frame. */
  readonly stream?: string;
  readonly author?: Uint8Array | undefined;
  /** 1 for who made it. */
  readonly rooms?: number;
}

/** What the record of a room says. */
interface Record {
  readonly bytes: number;
  /** Hashes of labels, {@link LABEL_BYTES} each, sorted. */
  readonly labels: Buffer;
  readonly authors: ReadonlyMap<string, Usage>;
}

/** What one process counted since. */
interface Counted {
  readonly room: Uint8Array;
  bytes: number;
  readonly streams: string[];
  readonly known: Set<string>;
  readonly authors: Map<string, Usage>;
  /** Of the first `checked` streams, `fresh` are not in the record `against`. */
  against: Record | undefined;
  checked: number;
  fresh: number;
}

/** What a record said is believed for this long. */
const FRESH_MS = 5_000;
const CACHED = 65_536;
/** Rooms with more streams and authors together are large: few of those are held, since each takes up to a megabyte. */
const SMALL = 128;
const LARGE_CACHED = 64;
const LABEL_BYTES = 8;
/** Beyond these, streams and authors are not told apart any more, so that a record fits a message of NATS. */
const MOST_LABELS = 98_304;
const MOST_AUTHORS = 4_096;

const NONE: Record = { bytes: 0, labels: Buffer.alloc(0), authors: new Map() };

export const createShares = (records: Records, now: () => number): Shares => {
  const small = boundedMap<string, { readonly record: Record; readonly at: number }>(CACHED);
  const large = boundedMap<string, { readonly record: Record; readonly at: number }>(LARGE_CACHED);
  const pending = new Map<string, Counted>();
  /** On their way to the records. */
  const flushing = new Map<string, Counted>();

  const keep = (key: string, record: Record): Record => {
    const isLarge = record.labels.length / LABEL_BYTES + record.authors.size > SMALL;
    (isLarge ? large : small).set(key, { record, at: now() });
    return record;
  };
  const read = (room: Uint8Array): Awaitable<Record> => {
    const key = keyOf(room);
    // It may have grown from one into the other.
    const [one, other] = [small.get(key), large.get(key)];
    const cached = (other?.at ?? -1) > (one?.at ?? -1) ? other : one;
    if (cached && now() - cached.at < FRESH_MS) return cached.record;
    return records.get('share', room).then((found) => keep(key, found ? decodeShare(found.data) : NONE));
  };
  const withRecord = <T>(
    room: Uint8Array,
    use: (record: Record, counted: readonly Counted[]) => T,
  ): Awaitable<T> => {
    const key = keyOf(room);
    const take = (record: Record): T =>
      use(
        record,
        [flushing.get(key), pending.get(key)].filter((one) => one !== undefined),
      );
    const record = read(room);
    return record instanceof Promise ? record.then(take) : take(record);
  };
  const open = (room: Uint8Array): Counted => {
    const key = keyOf(room);
    let counted = pending.get(key);
    if (counted === undefined) {
      counted = { ...nothing(), room: copyOf(room) };
      pending.set(key, counted);
    }
    return counted;
  };

  return {
    share: (room) =>
      withRecord(room, (record, counted) => ({
        bytes: Math.max(
          0,
          counted.reduce((sum, { bytes }) => sum + bytes, record.bytes),
        ),
        streams: record.labels.length / LABEL_BYTES + freshOf(record, counted),
      })),

    hasStream: (room, stream) =>
      withRecord(
        room,
        (record, counted) =>
          counted.some(({ known }) => known.has(stream)) || hasLabel(record.labels, labelOf(stream)),
      ),

    count(room, { bytes, stream, author, rooms = 0 }) {
      const counted = open(room);
      counted.bytes += bytes;
      if (stream !== undefined && !counted.known.has(stream)) {
        counted.known.add(stream);
        counted.streams.push(stream);
      }
      if (author) addTo(counted.authors, keyOf(author), { rooms, bytes });
    },

    async forget(room) {
      const key = keyOf(room);
      let authors = new Map<string, Usage>();
      await records.update('share', room, (current) => {
        const record = current ? decodeShare(current) : NONE;
        authors = new Map(record.authors);
        for (const counted of [flushing.get(key), pending.get(key)])
          for (const [author, usage] of counted?.authors ?? []) addTo(authors, author, usage);
        return encodeShare(NONE);
      });
      pending.delete(key);
      keep(key, NONE);
      return [...authors].map(([author, { rooms, bytes }]) => ({
        principal: new Uint8Array(Buffer.from(author, 'latin1')),
        usage: { rooms: Math.max(0, rooms), bytes: Math.max(0, bytes) },
      }));
    },

    async flush() {
      for (const [key, counted] of pending) {
        if (flushing.has(key)) continue;
        pending.delete(key);
        flushing.set(key, counted);
        try {
          let sum = NONE;
          await records.update('share', counted.room, (current) => {
            sum = together(current ? decodeShare(current) : NONE, counted);
            return encodeShare(sum);
          });
          keep(key, sum);
        } catch (error) {
          const since = pending.get(key);
          pending.set(key, since ? joined(counted, since) : counted);
          throw error;
        } finally {
          flushing.delete(key);
        }
      }
    },
  };
};

const nothing = (): Omit<Counted, 'room'> => ({
  ...{ bytes: 0, streams: [], known: new Set<string>(), authors: new Map<string, Usage>() },
  ...{ against: undefined, checked: 0, fresh: 0 },
});

const addTo = (authors: Map<string, Usage>, author: string, { rooms, bytes }: Usage): void => {
  const before = authors.get(author);
  authors.set(author, { rooms: (before?.rooms ?? 0) + rooms, bytes: (before?.bytes ?? 0) + bytes });
};

/** Streams that were counted and do not stand in the record. Each is looked for once for each record. */
const freshOf = (record: Record, counted: readonly Counted[]): number => {
  let fresh = 0;
  for (const [i, one] of counted.entries()) {
    if (one.against !== record) Object.assign(one, { against: record, checked: 0, fresh: 0 });
    for (; one.checked < one.streams.length; one.checked++) {
      const stream = one.streams[one.checked]!;
      const isCounted = counted.slice(0, i).some(({ known }) => known.has(stream));
      if (!isCounted && !hasLabel(record.labels, labelOf(stream))) one.fresh++;
    }
    fresh += one.fresh;
  }
  return fresh;
};

const together = (record: Record, { bytes, streams, authors }: Counted): Record => {
  const sums = new Map(record.authors);
  for (const [author, more] of authors)
    if (sums.has(author) || sums.size < MOST_AUTHORS) addTo(sums, author, more);
  return {
    bytes: Math.max(0, record.bytes + bytes),
    labels: withLabels(record.labels, streams),
    authors: sums,
  };
};

const joined = (first: Counted, second: Counted): Counted => {
  const streams = [...new Set([...first.streams, ...second.streams])];
  const authors = new Map(first.authors);
  for (const [author, more] of second.authors) addTo(authors, author, more);
  const bytes = first.bytes + second.bytes;
  return { ...nothing(), room: first.room, bytes, streams, known: new Set(streams), authors };
};

const labelOf = (stream: string): Buffer =>
  createHash('sha256').update(stream).digest().subarray(0, LABEL_BYTES);

/** Where a label is, or would be. */
const placeOf = (labels: Buffer, label: Buffer): number => {
  let low = 0;
  let high = labels.length / LABEL_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * LABEL_BYTES;
    if (labels.compare(label, 0, LABEL_BYTES, at, at + LABEL_BYTES) < 0) low = middle + 1;
    else high = middle;
  }
  return low * LABEL_BYTES;
};

const hasLabel = (labels: Buffer, label: Buffer): boolean => {
  const at = placeOf(labels, label);
  return at < labels.length && labels.compare(label, 0, LABEL_BYTES, at, at + LABEL_BYTES) === 0;
};

const withLabels = (labels: Buffer, streams: readonly string[]): Buffer => {
  const fresh = streams.map(labelOf).filter((label) => !hasLabel(labels, label));
  const most = MOST_LABELS - labels.length / LABEL_BYTES;
  if (fresh.length === 0 || most <= 0) return labels;
  const all = [...fresh.slice(0, most)];
  for (let at = 0; at < labels.length; at += LABEL_BYTES) all.push(labels.subarray(at, at + LABEL_BYTES));
  return Buffer.concat(all.sort(Buffer.compare));
};

const encodeShare = ({ bytes, labels, authors }: Record): Uint8Array =>
  encoding.encode((to) => {
    encoding.writeVarUint(to, labels.length / LABEL_BYTES);
    encoding.writeVarUint(to, bytes);
    encoding.writeUint8Array(to, labels);
    encoding.writeVarUint(to, authors.size);
    for (const [author, usage] of authors) {
      encoding.writeUint8Array(to, Buffer.from(author, 'latin1'));
      encoding.writeVarUint(to, Math.max(0, usage.rooms));
      encoding.writeVarUint(to, Math.max(0, usage.bytes));
    }
  });

const decodeShare = (data: Uint8Array): Record => {
  try {
    const from = new Reader(data);
    const count = from.count(MOST_LABELS, 0);
    const bytes = from.uint();
    const labels = Buffer.from(from.fixed(count * LABEL_BYTES));
    const authors = new Map<string, Usage>();
    // Records of before say nothing of authors.
    const known = from.left > 0 ? from.count(MOST_AUTHORS, PRINCIPAL_ID_BYTES + 2) : 0;
    for (let left = known; left > 0; left--)
      authors.set(keyOf(from.fixed(PRINCIPAL_ID_BYTES)), { rooms: from.uint(), bytes: from.uint() });
    from.end();
    return { bytes, labels, authors };
  } catch (cause) {
    throw new SealwireError('STORE_FAILED', 'A count of a room at NATS is damaged.', { cause });
  }
};
