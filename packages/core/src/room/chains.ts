// The chains of one room: which frames follow which, and which of them their device signed. Rules: spec/frame.md §5.
import { sameBytes, toHex } from '@sealwire/protocol';
import { verifyEd25519 } from '#native';
import { type Body, type Opening, SEEN_TAG_BYTES } from '../frame/body.ts';
import { type ChainAddress, chainNext, chainStart, chainStatement } from '../frame/chain.ts';
import { deriveClientId } from '../frame/client-id.ts';
import type { LoggedDevice } from '../identity/device-log.ts';
import { randomBytes } from '../random.ts';
import type { LimitAnswer } from './cuts.ts';

/** One clientID's chain as far as it is accepted. */
export interface Chain {
  readonly address: ChainAddress;
  readonly device: LoggedDevice;
  /** Its id, hexadecimal: asked for with each frame. */
  readonly deviceHex: string;
  /** Its beginning: what stands for the device in `seen`. */
  readonly deviceTag: string;
  readonly nonce: Uint8Array;
  /** Counter of its newest accepted frame, 0 before the first. */
  last: number;
  /** Where the relay has that frame, as far as is known. */
  position: number;
  /** Cumulative hash after that frame. */
  hash: Uint8Array;
  /** The Yjs clock at which its next entry stands. */
  clock: number;
  /** A fingerprint of each accepted frame by counter: tells a duplicate from a second content. */
  readonly frames: Map<number, number>;
  /** The heads of its account's log that the device named when it began. */
  heads: readonly Uint8Array[];
  /** Frames of greater counters are void; infinite for almost all. */
  limit: number;
  /** The hash that the cut demands at the limit; undefined where none does. */
  limitHash: Uint8Array | undefined;
}

/** A frame that waits for its verdict. */
export interface Candidate {
  readonly body: Body;
}

const SIGNATURE_BYTES = 64;

export const chainKey = (stream: string, clientId: number): string => `${stream}/${clientId}`;

/** The stream in a chain's key: labels hold no slash. */
export const streamOfKey = (key: string): string => key.slice(0, key.indexOf('/'));

/**
 * Starts the chain that an opening names.
 *
 * @returns undefined if the clientID is not the one that follows from device, log, stream and nonce.
 */
export const openChain = (
  device: LoggedDevice,
  logId: Uint8Array,
  stream: string,
  clientId: number,
  opening: Opening,
): Chain | undefined => {
  if (!sameBytes(device.id, opening.deviceId)) return undefined;
  if (deriveClientId(device.keys.identity, logId, stream, opening.nonce) !== clientId) return undefined;
  const address = { logId, stream, deviceId: device.id, clientId };
  return {
    address,
    device,
    deviceHex: toHex(device.id),
    deviceTag: toHex(device.id.subarray(0, SEEN_TAG_BYTES)),
    nonce: opening.nonce.slice(),
    last: 0,
    position: 0,
    hash: chainStart(address),
    clock: 0,
    frames: new Map(),
    heads: [],
    limit: Number.POSITIVE_INFINITY,
    limitHash: undefined,
  };
};

/** The limit that a cut sets, else the fork after which a chain does not count. See spec/frame.md §8. */
export const limitChain = (chain: Chain, answer: LimitAnswer, fork: number | undefined): void => {
  chain.limit = fork ?? Number.POSITIVE_INFINITY;
  chain.limitHash = undefined;
  if (answer === undefined) return;
  chain.limit = answer === 'none' ? 0 : answer.counter;
  if (answer !== 'none') chain.limitHash = answer.hash;
};

/** True if a frame stands at the limit and is not the one that the cut names. */
export const missesLimit = (chain: Chain, counter: number, hash: Uint8Array): boolean =>
  counter === chain.limit && chain.limitHash !== undefined && !sameBytes(hash, chain.limitHash);

/** True while a cut chain has not reached the frame that the cut names. */
export const isUnsettled = (chain: Chain): boolean =>
  chain.limitHash !== undefined && !sameBytes(chain.hash, chain.limitHash);

/** Moves a chain over a frame that is accepted. */
export const advance = (chain: Chain, body: Body, hash = chainNext(chain.hash, body.signed)): void => {
  chain.hash = hash;
  chain.last = body.counter;
  chain.frames.set(body.counter, fingerprint(body.signature));
  if (body.heads.length > 0) chain.heads = body.heads.map((head) => head.slice());
};

/**
 * How a frame stands to what the chain holds: `new`, the very frame again (relay and devices may repeat one as often as
 * they like), beyond what counts, or a `second` frame where the chain has one: under its counter, or after a frame that
 * another one follows.
 */
export const compareToChain = (chain: Chain, body: Body): 'new' | 'duplicate' | 'second' | 'void' => {
  if (body.counter > chain.limit) return 'void';
  const known = chain.frames.get(body.counter);
  if (known === undefined) return body.previous < chain.last ? 'second' : 'new';
  return known === fingerprint(body.signature) ? 'duplicate' : 'second';
};

export interface RunVerdict<C extends Candidate> {
  /** Signed by the device, in chain order. */
  readonly accepted: readonly C[];
  /** The cumulative hash after each accepted one. */
  readonly hashes: readonly Uint8Array[];
  /** Follow the chain, but the device did not sign them. */
  readonly forged: readonly C[];
}

/**
 * Finds which candidates continue the chain, and checks the newest signature of a run only, since it vouches for all
 * before it; where that fails, by bisection. Does not move the chain: the caller applies what is accepted in order.
 */
export const verifyRun = async <C extends Candidate>(
  chain: Chain,
  candidates: readonly C[],
): Promise<RunVerdict<C>> => {
  const accepted: C[] = [];
  const hashes: Uint8Array[] = [];
  const forged = new Set<C>();
  let last = chain.last;
  let hash = chain.hash;
  for (;;) {
    const run = longestRun(last, hash, candidates, forged);
    if (run.length === 0) break;
    const good = await validPrefix(chain, run);
    for (const link of run.slice(0, good)) {
      accepted.push(link.candidate);
      hashes.push(link.hash);
      last = link.candidate.body.counter;
      hash = link.hash;
    }
    if (good === run.length) break;
    forged.add(run[good]!.candidate);
  }
  return { accepted, hashes, forged: [...forged] };
};

interface Link<C extends Candidate> {
  readonly candidate: C;
  readonly hash: Uint8Array;
}

const longestRun = <C extends Candidate>(
  last: number,
  hash: Uint8Array,
  candidates: readonly C[],
  without: ReadonlySet<C>,
): Link<C>[] => {
  const byPrevious = new Map<number, C>();
  for (const candidate of candidates)
    if (!without.has(candidate) && !byPrevious.has(candidate.body.previous))
      byPrevious.set(candidate.body.previous, candidate);
  const run: Link<C>[] = [];
  let after = hash;
  for (let next = byPrevious.get(last); next; next = byPrevious.get(next.body.counter)) {
    after = chainNext(after, next.body.signed);
    run.push({ candidate: next, hash: after });
  }
  return run;
};

/** How many links from the front are good. A good signature at a link vouches for every link before it. */
const validPrefix = async <C extends Candidate>(chain: Chain, run: readonly Link<C>[]): Promise<number> => {
  if (await linkIsSigned(chain, run.at(-1)!)) return run.length;
  let good = 0;
  let bad = run.length - 1;
  while (good < bad) {
    const middle = (good + bad) >> 1;
    if (await linkIsSigned(chain, run[middle]!)) good = middle + 1;
    else bad = middle;
  }
  return good;
};

/** True if the chain's device signed this frame, `hash` being the cumulative hash after it. */
export const isSigned = <C extends Candidate>(
  chain: Chain,
  candidate: C,
  hash: Uint8Array,
): Promise<boolean> => linkIsSigned(chain, { candidate, hash });

const linkIsSigned = async <C extends Candidate>(
  chain: Chain,
  { candidate, hash }: Link<C>,
): Promise<boolean> =>
  verifyEd25519(
    chain.device.keys.identity,
    chainStatement(chain.address, candidate.body.counter, hash),
    candidate.body.signature,
  );

/** Drawn at each start, so that nobody can make two frames that look like one. 37 bits each: every sum stays exact. */
const SECRET = Float64Array.from({ length: SIGNATURE_BYTES }, () => {
  const [a, b, c, d, e] = randomBytes(5);
  return (a! & 31) * 2 ** 32 + b! * 2 ** 24 + c! * 2 ** 16 + d! * 2 ** 8 + e!;
});

/** Tells frames of one counter apart by their signatures: equal for equal ones, else different but for 1 in 2³⁷. */
export const fingerprint = (signature: Uint8Array): number => {
  let value = 0;
  for (let i = 0; i < SIGNATURE_BYTES; i++) value += signature[i]! * SECRET[i]!;
  return value;
};
