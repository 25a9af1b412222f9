// Frames made by hand, honest and lying ones, and a room that takes them in any order: for tests of verdicts.
import { CONTROL_STREAM, type StoredFrame, toHex } from '@sealwire/protocol';
import * as Y from 'yjs';
import { type Body, decodeBody, encodeBody, encodeSigned, KIND } from '../src/frame/body.ts';
import { chainNext, chainStart, chainStatement } from '../src/frame/chain.ts';
import { deriveClientId } from '../src/frame/client-id.ts';
import { openFrame, type StreamKey, sealFrame } from '../src/frame/envelope.ts';
import { encodeEntry } from '../src/logdoc/entries.ts';
import type { DeletedRange } from '../src/logdoc/parser.ts';
import { encodePayload } from '../src/logdoc/payload.ts';
import { chainKey, compareToChain } from '../src/room/chains.ts';
import { type ChainLimit, createCuts, type DeviceCut } from '../src/room/cuts.ts';
import { decodeRecord } from '../src/room/records.ts';
import { PAGE, type TestAccount, type TestRoom, testRoom } from './room-support.ts';
import type { Seeded, TestDevice } from './support.ts';

export type Made = Pick<StoredFrame, 'stream' | 'frame'>;

export interface Words {
  readonly texts?: readonly string[];
  readonly deletions?: readonly DeletedRange[];
  /** Bytes to send instead of a legal payload. */
  readonly payload?: Uint8Array;
  /** Who signs, if not the device itself. */
  readonly signer?: TestDevice;
}

/** One line of a chain as its device writes it; a fork continues from the same place. */
export interface Line {
  readonly clientId: number;
  readonly key: string;
  /** What a cut would name here. */
  limit(): ChainLimit;
  /** The next frame, under this counter. */
  say(counter: number, words: Words): Made;
  fork(): Line;
}

export interface LineOptions {
  readonly random: Seeded;
  readonly logId: Uint8Array;
  readonly device: TestDevice;
  /** The stream's. */
  readonly key: StreamKey;
  /** Default: page 0. */
  readonly stream?: string;
}

export const startLine = (options: LineOptions): Line => {
  const { stream = PAGE } = options;
  const nonce = options.random.bytes(16);
  const clientId = deriveClientId(options.device.logged.keys.identity, options.logId, stream, nonce);
  const address = { logId: options.logId, stream, deviceId: options.device.logged.id, clientId };
  const lineFrom = (start: { last: number; hash: Uint8Array; clock: number }): Line => {
    const at = { ...start };
    return {
      clientId,
      key: chainKey(stream, clientId),
      limit: () => ({ counter: at.last, hash: at.hash }),
      fork: () => lineFrom(at),
      say(counter, { texts = [], deletions = [], payload, signer = options.device }) {
        const signed = encodeSigned(
          {
            kind: stream === CONTROL_STREAM ? KIND.control : KIND.updates,
            clientId,
            counter,
            previous: at.last,
            ...(at.last === 0 && { opening: { deviceId: options.device.logged.id, nonce } }),
            seen: [],
            heads: [],
            payload: payload ?? payloadOf(clientId, at.clock, texts, deletions),
          },
          stream !== CONTROL_STREAM,
        );
        const hash = chainNext(at.hash, signed);
        const frame = sealFrame(
          options.key,
          encodeBody(signed, signer.sign(chainStatement(address, counter, hash))),
          options.random.bytes,
        );
        if (signer === options.device) {
          at.last = counter;
          at.hash = hash;
          if (!payload) at.clock += texts.length;
        }
        return { stream, frame };
      },
    };
  };
  return lineFrom({ last: 0, hash: chainStart(address), clock: 0 });
};

const payloadOf = (
  clientId: number,
  clock: number,
  texts: readonly string[],
  deletions: readonly DeletedRange[],
): Uint8Array => {
  const entries = texts.map((text, i) => {
    const content = encodeEntry({ k: 'm', t: 1024, x: text });
    return { clock: clock + i, content, length: content.length };
  });
  return encodePayload([{ clientId, entries, deletions }]);
};

/** What happens to a room. */
export type Event =
  | { readonly frame: Made }
  | { readonly cut: DeviceCut; readonly device: string }
  | { readonly withdraw: string; readonly device: string };

export interface Story {
  readonly account: TestAccount;
  readonly others: readonly TestAccount[];
  readonly key: StreamKey;
  readonly events: readonly Event[];
}

export interface Ending {
  /** Entries shown, by id. */
  readonly page: string[];
  /** Yjs clocks, by clientID. */
  readonly clocks: string[];
  readonly chains: string[];
  /** What became of each frame, in the story's order. */
  readonly verdicts: string[];
}

/**
 * Plays a story in one order, in batches; a restart comes where `restartAt` says.
 *
 * @param reported - filled with the bodies that were reported as refused, as often as they were.
 */
export const play = async (
  random: Seeded,
  story: Story,
  events: readonly Event[],
  options: { readonly restartAt?: number; readonly batch: number; readonly reported: string[] },
): Promise<Ending> => {
  let cuts = createCuts();
  const { account, others } = story;
  let reader = await testRoom(random, account, 0, { others, cuts });
  const known: Exclude<Event, { frame: Made }>[] = [];
  let batch: StoredFrame[] = [];
  let position = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await reader.room.receive(batch);
    batch = [];
    collect(reader, options.reported);
  };
  const feed = (event: Exclude<Event, { frame: Made }>): void => {
    if ('cut' in event) cuts.set(event.device, event.cut);
    else cuts.withdraw(event.device, event.withdraw);
  };
  for (const [i, event] of events.entries()) {
    if (i === options.restartAt) {
      await flush();
      await settled(reader);
      collect(reader, options.reported);
      cuts = createCuts();
      for (const event of known) feed(event);
      reader = await testRoom(random, account, 0, { others, cuts, records: reader.records });
    }
    if ('frame' in event) batch.push({ ...event.frame, position: ++position });
    else {
      known.push(event);
      await flush();
      feed(event);
    }
    if (batch.length >= options.batch) await flush();
  }
  await flush();
  await settled(reader);
  collect(reader, options.reported);
  return endingOf(reader, story);
};

/** All that was asked of the room is done, and what that asked for. */
const settled = async ({ room }: TestRoom): Promise<void> => {
  await room.idle();
  await Promise.resolve();
  await room.idle();
};

const REFUSED = ['FRAME_VOID', 'FRAME_FORGED', 'FRAME_EQUIVOCATION'];

const collect = (reader: TestRoom, into: string[]): void => {
  for (const { code, bytes } of reader.evidence.splice(0))
    if (bytes && REFUSED.includes(code)) into.push(`${code} ${toHex(bytes)}`);
};

const endingOf = (reader: TestRoom, story: Story): Ending => {
  const { state } = reader.room;
  const page = reader.room.page(PAGE);
  const parked = new Set(
    [...reader.records.values()]
      .map(decodeRecord)
      .flatMap((record) => (record.type === 'parked' ? [toHex(record.frame)] : [])),
  );
  const verdict = ({ frame, stream }: Made): string => {
    const body = bodyOf(story, { frame, stream });
    const chain = state.chains.get(chainKey(PAGE, body.clientId));
    if (chain && compareToChain(chain, body) === 'duplicate') return 'counts';
    return parked.has(toHex(frame)) ? 'waits' : 'refused';
  };
  return {
    page: [...page.map.entries()].map(([id, bytes]) => `${id} ${toHex(bytes)}`).sort(),
    clocks: [...Y.decodeStateVector(Y.encodeStateVector(page.doc))].map(([id, at]) => `${id} ${at}`).sort(),
    chains: [...state.chains]
      .filter(([, { last }]) => last > 0)
      .map(([key, { last, hash, clock }]) => `${key} ${last} ${toHex(hash)} ${clock}`)
      .sort(),
    verdicts: story.events.flatMap((event) => ('frame' in event ? [verdict(event.frame)] : [])),
  };
};

/** The body of a frame of a story. */
export const bodyOf = (story: Pick<Story, 'key'>, { frame }: Made): Body =>
  decodeBody(openFrame(story.key, frame));

export const encodedBodyOf = (story: Pick<Story, 'key'>, { frame }: Made): string =>
  toHex(openFrame(story.key, frame));
