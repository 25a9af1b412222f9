// A page that nobody looks at: its bodies lie in the archive, and this is what a device knows of it without them. Rules:
// spec/pages.md §3.
import { Reader, SealwireError, toHex } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import { fromBase64Url, toBase64Url, utf8 } from '../bytes.ts';
import { decodeBody } from '../frame/body.ts';
import type { PageSize } from '../logdoc/page-choice.ts';
import { indexPage, type PageIndex } from '../logdoc/page-index.ts';
import type { RecordId } from '../vault/vault.ts';
import type { Chain } from './chains.ts';
import type { Counters } from './counters.ts';
import { type ClosedRecord, decodeRecord, encodeRecord, type RoomRecord } from './records.ts';
import type { LoadedRecord } from './room-vault.ts';
import type { RoomState } from './state.ts';

/** How far a chain of a closed page counts. */
export interface ChainEnd {
  readonly stream: string;
  /** Id, hexadecimal. */
  readonly device: string;
  readonly clientId: number;
  readonly counter: number;
  readonly hash: Uint8Array;
}

/** Which frames of a device are in a page. */
export interface ClosedAuthor {
  /** Device id, hexadecimal. */
  readonly device: string;
  /** Their counters as ranges [from, to], rising. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Of those that open a chain. */
  readonly opens: readonly number[];
  /** When something in it last came; milliseconds since 1970. */
  readonly heardAt: number;
}

export interface ClosedPage {
  readonly stream: string;
  /** Name of its value in the archive. */
  readonly archive: string;
  /** The room that the chat was in then, hexadecimal, and the newest position of an own body there. */
  readonly room: string;
  readonly position: number;
  readonly size: PageSize;
  readonly index: PageIndex;
  readonly authors: readonly ClosedAuthor[];
  readonly chains: readonly ChainEnd[];
}

/** A closed page with the record that says so. */
export interface StoredClosedPage {
  readonly id: RecordId;
  readonly page: ClosedPage;
}

export const encodeClosedPage = ({ chains, archive: _, ...rest }: ClosedPage): Uint8Array =>
  utf8(
    JSON.stringify({
      ...rest,
      chains: chains.map(({ hash, ...end }) => ({ ...end, hash: toBase64Url(hash) })),
    }),
  );

/** What a record of this device's own vault says: its seal vouches for it. @throws SealwireError STORAGE_CORRUPT */
export const decodeClosedPage = ({ archive, json }: ClosedRecord): ClosedPage => {
  try {
    const page = JSON.parse(new TextDecoder().decode(json)) as Omit<ClosedPage, 'chains' | 'archive'> & {
      readonly chains: readonly (Omit<ChainEnd, 'hash'> & { readonly hash: string })[];
    };
    return {
      ...page,
      archive,
      chains: page.chains.map((end) => ({ ...end, hash: fromBase64Url(end.hash)! })),
    };
  } catch {
    throw new SealwireError(
      'STORAGE_CORRUPT',
      'The vault names a page that cannot be read. Link this device anew.',
    );
  }
};

/** The value in the archive: records of one page, each after its length. */
export const encodeArchive = (records: readonly RoomRecord[]): Uint8Array => {
  const out = encoding.createEncoder();
  for (const record of records) encoding.writeVarUint8Array(out, encodeRecord(record));
  return encoding.toUint8Array(out);
};

/** @throws SealwireError MALFORMED, STORAGE_NEWER */
export const decodeArchive = (value: Uint8Array): RoomRecord[] => {
  const reader = new Reader(value);
  const records: RoomRecord[] = [];
  while (reader.left > 0) records.push(decodeRecord(reader.sized(reader.left)) as RoomRecord);
  return records;
};

/** Describes a page as it is now. @param records - those that hold its bodies. */
export const describePage = (
  state: RoomState,
  stream: string,
  records: readonly LoadedRecord[],
): Omit<ClosedPage, 'archive'> => {
  const chains = [...state.chains.values()].filter(
    ({ address, last }) => address.stream === stream && last > 0,
  );
  const byClient = new Map(chains.map((chain) => [chain.address.clientId, chain]));
  const accountOf = (id: string): string => {
    const chain = byClient.get(Number(id.slice(0, id.indexOf(':'))));
    return toHex((chain?.device ?? state.options.device).account);
  };
  const position = Math.max(
    0,
    ...[...state.kept.values()].flatMap((kept) => (kept.stream === stream ? kept.position : [])),
  );
  return {
    ...{ stream, position, room: toHex(state.address.id) },
    size: state.sizes.get(stream) ?? { entries: 0, bytes: 0 },
    index: indexPage(state.pages.get(stream)?.entries() ?? [], accountOf),
    authors: authorsOf(byClient, records),
    chains: chains.map(({ deviceHex, address: { clientId }, last, hash }) => ({
      ...{ stream, device: deviceHex, clientId, hash },
      counter: last,
    })),
  };
};

const authorsOf = (chains: ReadonlyMap<number, Chain>, records: readonly LoadedRecord[]): ClosedAuthor[] => {
  const heard = new Map<
    string,
    { readonly counters: Set<number>; readonly opens: Set<number>; at: number }
  >();
  for (const { record } of records) {
    if (record.type !== 'bodies') continue;
    for (const { body: encoded } of record.bodies) {
      const body = decodeBody(encoded);
      const device = chains.get(body.clientId)?.deviceHex;
      if (device === undefined) continue;
      const known = heard.get(device) ?? { counters: new Set(), opens: new Set(), at: 0 };
      heard.set(device, known);
      known.counters.add(body.counter);
      if (body.opening) known.opens.add(body.counter);
      known.at = Math.max(known.at, record.receivedAt);
    }
  }
  return [...heard].map(([device, { counters, opens, at }]) => ({
    device,
    ranges: rangesOf([...counters].sort((a, b) => a - b)),
    opens: [...opens].sort((a, b) => a - b),
    heardAt: at,
  }));
};

const rangesOf = (rising: readonly number[]): [number, number][] => {
  const ranges: [number, number][] = [];
  for (const value of rising) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === value) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
};

/** The ends of all chains that count, in open and in closed pages. */
export const chainEnds = (state: RoomState): ChainEnd[] => [
  ...[...state.chains.values()]
    .filter(({ last }) => last > 0)
    .map(({ address: { stream, clientId }, deviceHex: device, last: counter, hash }) => ({
      ...{ stream, device, clientId, counter, hash },
    })),
  ...[...state.closed.values()].flatMap(({ page }) => (state.awake.has(page.stream) ? [] : page.chains)),
];

/** Takes into account what a device knows of a closed page, as if its bodies had been loaded. */
export const takeClosedPage = (state: RoomState, { id, page }: StoredClosedPage): void => {
  state.closed.set(page.stream, { id, page });
  state.sizes.set(page.stream, page.size);
  for (const author of page.authors) {
    if (author.device === state.ownId) {
      state.ownCounter = Math.max(state.ownCounter, author.ranges.at(-1)?.[1] ?? 0);
      continue;
    }
    const before = state.lastHeard.get(author.device) ?? 0;
    if (author.heardAt > before) state.lastHeard.set(author.device, author.heardAt);
    takeCounters(state.counters, author);
  }
};

const takeCounters = (counters: Counters, { device, ranges, opens }: ClosedAuthor): void => {
  const tag = device.slice(0, 2 * TAG_BYTES);
  let next = 0;
  for (const [from, to] of ranges) {
    let start = from;
    for (; next < opens.length && opens[next]! <= to; next++) {
      const at = opens[next]!;
      if (at > start) counters.takeRange(tag, start, at - 1);
      counters.take(tag, at, 'opens');
      start = at + 1;
    }
    if (start <= to) counters.takeRange(tag, start, to);
  }
};

/** As in `seen`: see frame/body.ts. */
const TAG_BYTES = 8;
