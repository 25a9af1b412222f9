// Judges the frames of one room: opens them, follows their chains, parses what they carry; parks what is early.
// A verdict depends on the frame and what it builds on, never on the order of arrival. Rules: spec/frame.md §5–§8.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { type Body, KIND } from '../frame/body.ts';
import type { Directory } from '../identity/directory.ts';
import type { AcceptedUpdate } from '../logdoc/combine.ts';
import { parseUpdate } from '../logdoc/parser.ts';
import { advance, type Chain, chainKey, compareToChain, openChain, verifyRun } from './chains.ts';
import type { Keyring } from './keyring.ts';
import { asSealwireError, keepAlone, listIn, openWaiting, type Waiting } from './opening.ts';

export type { Waiting } from './opening.ts';

export interface Accepted {
  readonly waiting: Waiting;
  readonly body: Body;
  readonly chain: Chain;
  /** What it adds to its page; undefined for control frames and for what was refused. */
  readonly update: AcceptedUpdate | undefined;
}

export interface Judgement {
  /** In an order in which each builds only on those before it. */
  readonly accepted: readonly Accepted[];
  /** Frames that the room has already; own ones are acknowledged by this. */
  readonly duplicates: readonly Waiting[];
  readonly refused: readonly Waiting[];
  /** Waited beyond the bounds of parking; they must be fetched again later. */
  readonly dropped: readonly Waiting[];
}

export interface InboxOptions {
  readonly logId: Uint8Array;
  readonly keyring: Keyring;
  readonly directory: Directory;
  readonly chains: Map<string, Chain>;
  /** False for the account document, whose entries nobody may delete. */
  readonly deletions: boolean;
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
    const clientId = items[0]!.body!.clientId;
    const known = chains.get(chainKey(stream, clientId));
    if (known) return known;
    for (const { body } of items) {
      const device = body?.opening && options.directory.device(toHex(body.opening.deviceId));
      const chain = device && openChain(device, options.logId, stream, clientId, body.opening);
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

  return {
    /** Adds frames; `record` names those that the vault holds already. */
    take(frames: readonly Waiting[]): void {
      waiting.push(...frames);
    },
    /** What waits for something that has not come. */
    parked: (): readonly Waiting[] => waiting,
    /** Judges until nothing more can be decided. */
    async judge(): Promise<Judgement> {
      const accepted: Accepted[] = [];
      const duplicates: Waiting[] = [];
      const refused: Waiting[] = [];
      for (let before = -1; before !== accepted.length && waiting.length > 0; ) {
        before = accepted.length;
        const done = new Set(await openWaiting(waiting, options, refuse));
        refused.push(...done);
        for (const { stream, items } of groupByChain(waiting, done)) {
          const chain = findChain(stream, items);
          if (!chain) {
            for (const item of items.filter(isUnbound)) {
              refuse(item, unbound());
              refused.push(item);
              done.add(item);
            }
            continue;
          }
          const fresh: (Waiting & { readonly body: Body })[] = [];
          for (const item of items) {
            const standing = compareToChain(chain, item.body!);
            if (standing === 'new') fresh.push(item as Waiting & { readonly body: Body });
            else {
              done.add(item);
              if (standing === 'duplicate') duplicates.push(item);
              else {
                refuse(item, secondContent(), chain);
                refused.push(item);
              }
            }
          }
          const verdict = await verifyRun(chain, fresh);
          for (const item of verdict.forged) {
            refuse(item, forged(), chain);
            refused.push(item);
            done.add(item);
          }
          for (let i = 0; i < verdict.accepted.length; i++) {
            const item = verdict.accepted[i]!;
            const result =
              item.body.kind === KIND.control
                ? await judgeControl(options, item.body)
                : judgeUpdate(options, chain, item.body);
            if (result === 'wait') break;
            if (result instanceof SealwireError) refuse(item, result, chain);
            const update = result instanceof SealwireError ? undefined : result;
            if (chain.last === 0) chains.set(chainKey(stream, item.body.clientId), chain);
            chain.clock += update?.parsed.entries.length ?? 0;
            advance(chain, item.body, verdict.hashes[i]);
            accepted.push({ waiting: item, body: item.body, chain, update });
            done.add(item);
          }
        }
        waiting = waiting.filter((item) => !done.has(item));
      }
      for (const item of waiting) keepAlone(item);
      return { accepted, duplicates, refused, dropped: dropExcess() };
    },
  };
};

export type Inbox = ReturnType<typeof createInbox>;

/**
 * The update of a frame, `wait` if it builds on what has not come, or the error for which its content is void.
 *
 * @param options.trusted - it was judged before: nothing in it waits.
 */
export const judgeContent = async (
  options: InboxOptions,
  chain: Chain,
  body: Body,
  { trusted = false } = {},
): Promise<AcceptedUpdate | undefined | 'wait' | SealwireError> =>
  body.kind === KIND.control ? judgeControl(options, body) : judgeUpdate(options, chain, body, trusted);

const judgeControl = async ({ control }: InboxOptions, body: Body): Promise<undefined | SealwireError> => {
  try {
    await control.accept(body.payload);
    return undefined;
  } catch (error) {
    return asSealwireError(error);
  }
};

/** Not a promise: a catch-up judges tens of thousands of these in one go. */
const judgeUpdate = (
  options: InboxOptions,
  chain: Chain,
  body: Body,
  trusted = false,
): AcceptedUpdate | 'wait' | SealwireError => {
  try {
    const parsed = parseUpdate(body.payload, body.clientId, chain.clock);
    for (const { clientId, clock, length } of parsed.deletions) {
      if (!options.deletions) return new SealwireError('UPDATE_REFUSED', 'Nothing here may be deleted.');
      const own = clientId === body.clientId;
      const target = own ? chain : options.chains.get(chainKey(chain.address.stream, clientId));
      const held = (target?.clock ?? 0) + (own ? parsed.entries.length : 0);
      if (!target || held < clock + length) {
        if (trusted) continue;
        return 'wait';
      }
      if (toHex(target.device.account) !== toHex(chain.device.account))
        return new SealwireError(
          'UPDATE_REFUSED',
          "An update was refused whole: it deletes another's words.",
        );
    }
    return { bytes: body.payload, parsed };
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

const secondContent = (): SealwireError =>
  new SealwireError('FRAME_EQUIVOCATION', 'A device sent two different frames under one number.');

const unbound = (): SealwireError =>
  new SealwireError('FRAME_FORGED', "A frame opens a chain under a clientID that is not its device's.");

const forged = (): SealwireError =>
  new SealwireError('FRAME_FORGED', 'A frame names a device that did not sign it.');
