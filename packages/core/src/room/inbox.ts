// Judges the frames of one room: opens them, follows their chains, parses what they carry; parks what is early.
// A verdict depends on the frame and what it builds on, never on the order of arrival. Rules: spec/frame.md §5–§8.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { type Body, KIND } from '../frame/body.ts';
import type { Directory } from '../identity/directory.ts';
import { clocksOf, type ParsedUpdate } from '../logdoc/parser.ts';
import { createAbsence } from './absence.ts';
import {
  advance,
  type Chain,
  chainKey,
  compareToChain,
  isUnsettled,
  limitChain,
  missesLimit,
  openChain,
  verifyRun,
} from './chains.ts';
import type { Cuts } from './cuts.ts';
import type { Deletions } from './deletions.ts';
import type { Keyring } from './keyring.ts';
import { asSealwireError, keepAlone, listIn, openWaiting, type Waiting } from './opening.ts';
import { judgeUpdate } from './reading.ts';
import type { RefusedWhy } from './records.ts';
import type { Shelf } from './shelf.ts';

export type { Waiting } from './opening.ts';

export interface Accepted {
  readonly waiting: Waiting;
  readonly body: Body;
  readonly chain: Chain;
  /** What it adds to its page; undefined for control frames and for what was refused. */
  readonly update: ParsedUpdate | undefined;
}

/** A frame that was refused and is kept, since cuts may yet make it count. */
export interface Shelved {
  readonly waiting: Waiting;
  readonly why: RefusedWhy;
}

/** A frame where its chain has another. Whether its device signed both is found out from the vault. */
export interface Contested {
  readonly waiting: Waiting & { readonly body: Body };
  readonly chain: Chain;
}

export interface Judgement {
  /** In an order in which each builds only on those before it. */
  readonly accepted: readonly Accepted[];
  /** Frames that the room has already; own ones are acknowledged by this. */
  readonly duplicates: readonly Waiting[];
  readonly refused: readonly Waiting[];
  /** Of those refused: passed over, since the account was none of the chat's at some time. */
  readonly passed: readonly Waiting[];
  /** Of those refused: to be stored. */
  readonly shelved: readonly Shelved[];
  readonly contested: readonly Contested[];
  /** Streams in which what was refused before may count now that more of its chain has come. */
  readonly reopened: ReadonlySet<string>;
  /** Waited beyond the bounds of parking; they must be fetched again later. */
  readonly dropped: readonly Waiting[];
}

export interface InboxOptions {
  readonly logId: Uint8Array;
  readonly keyring: Keyring;
  readonly directory: Directory;
  readonly chains: Map<string, Chain>;
  readonly cuts: Cuts;
  readonly shelf: Shelf;
  readonly deletions: Deletions;
  /** True while all that the relay has was delivered. */
  readonly hasAll?: () => boolean;
  /** Takes the log entries of a control frame: first for what proves itself, then, accepted, for the rest. */
  readonly control: {
    preview(payload: Uint8Array): Promise<void>;
    accept(payload: Uint8Array): Promise<void>;
  };
  readonly report: (evidence: Omit<Evidence, 'room'>) => void;
}

/** Whole shares of the parking that a room has for all authors together. */
const PARKING_SHARES = 8;

export const createInbox = (options: InboxOptions) => {
  const { chains } = options;
  let waiting: Waiting[] = [];

  const refuse = (item: Waiting, error: SealwireError, chain?: Chain): void =>
    options.report({
      code: error.code,
      message: error.message,
      stream: item.stream,
      bytes: (item.encodedBody ?? item.frame).slice(),
      ...(chain && { deviceId: toHex(chain.device.id) }),
    });

  const findChain = (stream: string, items: readonly Waiting[]): Chain | undefined => {
    const known = chains.get(chainKey(stream, items[0]!.body!.clientId));
    if (known) return known;
    for (const { body } of items) {
      const chain = body && chainOf(options, stream, body);
      if (chain) return chain;
    }
    return undefined;
  };

  /** True for an opening of a device that is known, when the clientID is not one that follows from it. */
  const isUnbound = ({ body }: Waiting): boolean =>
    body?.opening !== undefined && options.directory.device(toHex(body.opening.deviceId)) !== undefined;

  /** Whose share of the parking a frame takes: its device's, or its clientID's while nothing binds it to a device. */
  const shareOf = ({ stream, body }: Waiting): string => {
    if (!body) return 'sealed';
    const known = chains.get(chainKey(stream, body.clientId));
    const deviceId = known?.device.id ?? body.opening?.deviceId;
    return deviceId && options.directory.device(toHex(deviceId)) ? toHex(deviceId) : String(body.clientId);
  };

  /** Parking is bounded, each author by itself: what is beyond it is let go of and reported. */
  const dropExcess = (): Waiting[] => {
    const shares = new Map<string, { frames: number; bytes: number }>();
    const kept: Waiting[] = [];
    const dropped: Waiting[] = [];
    for (const item of waiting) {
      const name = shareOf(item);
      const share = shares.get(name) ?? { frames: 0, bytes: 0 };
      shares.set(name, share);
      share.frames += 1;
      share.bytes += item.frame.length;
      const fits =
        share.frames <= LIMITS.parkedFrames &&
        share.bytes <= LIMITS.parkedBytes &&
        kept.length < PARKING_SHARES * LIMITS.parkedFrames;
      (fits ? kept : dropped).push(item);
    }
    waiting = kept;
    if (dropped[0])
      refuse(
        dropped[0],
        new SealwireError('PARKING_FULL', 'Too many frames wait for what comes before them.'),
      );
    return dropped;
  };

  const absence = createAbsence({ chains, isLate: options.keyring.isLate });
  const passOver = (): Waiting[] => {
    if (!options.hasAll?.()) return [];
    const passed = new Set(absence.passedOver(waiting));
    if (passed.size > 0) waiting = waiting.filter((item) => !passed.has(item));
    return [...passed];
  };

  /** Refuses a frame that cuts may yet make count. One that was refused before is let go of in silence. */
  const shelve = async (
    { waiting: item, chain }: Contested,
    why: RefusedWhy,
    error: SealwireError,
    to: Draft,
  ): Promise<void> => {
    const key = chainKey(item.stream, item.body.clientId);
    to.refused.push(item);
    if (options.shelf.has(key, item.body)) return;
    // Log entries prove themselves, whatever becomes of the frame that brought them: beyond a cut they are no offence.
    const isLog = item.body.kind === KIND.control;
    const offence =
      (isLog && (await judgeControl(options, item.body))) || (isLog && why === 'void' ? undefined : error);
    if (offence && options.shelf.tell(key, item.body)) refuse(item, offence, chain);
    if (!options.shelf.add(key, why, item.body)) return;
    // Whose it is must be known for those that follow it.
    if (!chains.has(key)) chains.set(key, chain);
    keepAlone(item);
    to.shelved.push({ waiting: item, why });
  };

  /** What was refused may count by now: of a cut chain with several lines, or behind what has just come. */
  const reopen = async (
    chain: Chain,
    stream: string,
    fresh: readonly Opened[],
    done: Set<Waiting>,
    to: Draft,
  ): Promise<void> => {
    const key = chainKey(stream, chain.address.clientId);
    if (!options.shelf.holds(key)) return;
    if (chain.limitHash && isUnsettled(chain)) {
      // Which of these belong to the line that the cut names, only all of them together tell.
      for (const item of fresh.filter((one) => !done.has(one))) {
        done.add(item);
        await shelve({ waiting: item, chain }, 'void', onNoLine(), to);
      }
      to.reopened.add(stream);
    } else if (chain.last < chain.limit && options.shelf.continues(key, chain.last)) to.reopened.add(stream);
  };

  const judgeChain = async (
    chain: Chain,
    stream: string,
    items: readonly Waiting[],
    done: Set<Waiting>,
    to: Draft,
  ): Promise<void> => {
    const fresh: Opened[] = [];
    for (const item of items as readonly Opened[]) {
      const standing = compareToChain(chain, item.body);
      if (standing === 'new') {
        fresh.push(item);
        continue;
      }
      done.add(item);
      if (standing === 'duplicate') to.duplicates.push(item);
      else if (standing === 'void') await shelve({ waiting: item, chain }, 'void', beyondCut(), to);
      else if (options.shelf.has(chainKey(stream, item.body.clientId), item.body)) to.refused.push(item);
      else to.contested.push({ waiting: item, chain });
    }
    const verdict = await verifyRun(chain, fresh);
    for (const item of verdict.forged) {
      done.add(item);
      await shelve({ waiting: item, chain }, 'unsigned', forged(), to);
    }
    for (let i = 0; i < verdict.accepted.length; i++) {
      const item = verdict.accepted[i]!;
      const hash = verdict.hashes[i]!;
      if (missesLimit(chain, item.body.counter, hash)) {
        done.add(item);
        await shelve({ waiting: item, chain }, 'void', otherThanCut(), to);
        break;
      }
      const result =
        item.body.kind === KIND.control
          ? await judgeControl(options, item.body)
          : judgeUpdate(options, chain, item.body);
      if (result === 'wait') break;
      if (result instanceof SealwireError) refuse(item, result, chain);
      const update = result instanceof SealwireError ? undefined : result;
      if (chain.last === 0) chains.set(chainKey(stream, item.body.clientId), chain);
      to.accepted.push({
        waiting: item,
        body: item.body,
        chain,
        update: move(options, chain, item, update, hash),
      });
      absence.accepted(stream, item.body.clientId, item.body.counter);
      done.add(item);
    }
    await reopen(chain, stream, fresh, done, to);
  };

  return {
    /** Adds frames; `record` names those that the vault holds already. */
    take(frames: readonly Waiting[]): void {
      waiting.push(...frames);
    },
    /** True if something that was passed over must come again. */
    isOwed: absence.isOwed,
    /** All that the relay has comes again. */
    startedOver: absence.startedOver,
    /** The chat is in another room: what waited of the old one comes there, if at all. @returns it. */
    moved(): Waiting[] {
      const left = waiting.filter(({ isKept }) => !isKept);
      waiting = waiting.filter(({ isKept }) => isKept);
      absence.moved();
      return left;
    },
    /** What waits for something that has not come. */
    parked: (): readonly Waiting[] => waiting,
    /** Judges until nothing more can be decided. */
    async judge(): Promise<Judgement> {
      const result: Draft = {
        accepted: [],
        duplicates: [],
        refused: [],
        shelved: [],
        contested: [],
        reopened: new Set(),
      };
      for (let before = -1; before !== result.accepted.length && waiting.length > 0; ) {
        before = result.accepted.length;
        const done = new Set(await openWaiting(waiting, options, refuse, absence.note));
        result.refused.push(...done);
        for (const { stream, items } of groupByChain(waiting, done)) {
          const chain = findChain(stream, items);
          if (chain) await judgeChain(chain, stream, items, done, result);
          else
            for (const item of items.filter(isUnbound)) {
              refuse(item, unbound());
              result.refused.push(item);
              done.add(item);
            }
        }
        waiting = waiting.filter((item) => !done.has(item));
      }
      const passed = passOver();
      result.refused.push(...passed);
      for (const item of waiting) keepAlone(item);
      return { ...result, passed, dropped: dropExcess() };
    },
  };
};

export type Inbox = ReturnType<typeof createInbox>;

type Opened = Waiting & { readonly body: Body };

/** A judgement while it is made. */
interface Draft {
  readonly accepted: Accepted[];
  readonly duplicates: Waiting[];
  readonly refused: Waiting[];
  readonly shelved: Shelved[];
  readonly contested: Contested[];
  readonly reopened: Set<string>;
}

/** The chain that a body opens, nothing accepted; undefined for one that opens none of a known device. */
export const chainOf = (
  { directory, logId, cuts, shelf }: Pick<InboxOptions, 'directory' | 'logId' | 'cuts' | 'shelf'>,
  stream: string,
  { opening, clientId }: Body,
): Chain | undefined => {
  const device = opening && directory.device(toHex(opening.deviceId));
  const chain = device && openChain(device, logId, stream, clientId, opening);
  if (!chain) return undefined;
  const key = chainKey(stream, clientId);
  limitChain(chain, cuts.limitOf(chain.deviceHex, key), shelf.forkOf(key));
  return chain;
};

/** Moves a chain over an accepted frame. @returns what the frame adds to its page. */
export const move = (
  { deletions }: Pick<InboxOptions, 'deletions'>,
  chain: Chain,
  { body, encodedBody, position }: Pick<Waiting, 'body' | 'encodedBody' | 'position'>,
  update: ParsedUpdate | undefined,
  hash?: Uint8Array,
): ParsedUpdate | undefined => {
  chain.clock += update ? clocksOf(update) : 0;
  advance(chain, body!, hash);
  chain.position = Math.max(chain.position, position);
  return update && deletions.admit(chain, update, encodedBody!);
};

const judgeControl = async ({ control }: InboxOptions, body: Body): Promise<undefined | SealwireError> => {
  try {
    await control.accept(body.payload);
    return undefined;
  } catch (error) {
    return asSealwireError(error);
  }
};

interface Group {
  readonly stream: string;
  readonly items: readonly Waiting[];
}

/** Numbers as map keys: the name of a chain is text, and making it for each frame costs more than finding it. */
const groupByChain = (waiting: readonly Waiting[], without: ReadonlySet<Waiting>): Group[] => {
  const streams = new Map<string, Map<number, Waiting[]>>();
  for (const item of waiting) {
    if (!item.body || without.has(item)) continue;
    let clients = streams.get(item.stream);
    if (!clients) {
      clients = new Map();
      streams.set(item.stream, clients);
    }
    listIn(clients, item.body.clientId).push(item);
  }
  return [...streams].flatMap(([stream, clients]) =>
    [...clients.values()].map((items) => ({ stream, items })),
  );
};

const beyondCut = (): SealwireError =>
  new SealwireError('FRAME_VOID', 'A frame lies beyond what counts of its device, and is void.');

const otherThanCut = (): SealwireError =>
  new SealwireError('FRAME_VOID', 'A frame is another than the one that its device showed to others.');

const onNoLine = (): SealwireError =>
  new SealwireError('FRAME_VOID', 'A frame follows none that counts of a device that was ended.');

const unbound = (): SealwireError =>
  new SealwireError('FRAME_FORGED', "A frame opens a chain under a clientID that is not its device's.");

const forged = (): SealwireError =>
  new SealwireError('FRAME_FORGED', 'A frame names a device that did not sign it.');
