// Makes one signed, sealed frame of a batch, as this device. Rules: spec/frame.md §9.
import { fromHex, LIMITS, type StoredFrame } from '@sealwire/protocol';
import { type Body, decodeBody, encodeBody, encodeSigned, type KIND, SEEN_TAG_BYTES } from '../frame/body.ts';
import { chainNext, chainStatement } from '../frame/chain.ts';
import { type StreamKey, sealFrame } from '../frame/envelope.ts';
import type { Chain } from './chains.ts';
import type { Counters } from './counters.ts';

/** An own frame, ready to be stored and sent. */
export interface Framed {
  readonly stream: string;
  readonly frame: StoredFrame['frame'];
  readonly encodedBody: Uint8Array;
  readonly body: Body;
}

export interface FramingOptions {
  readonly chain: Chain;
  readonly payload: Uint8Array;
  readonly kind: (typeof KIND)[keyof typeof KIND];
  /** The device's number for this frame in the room. */
  readonly counter: number;
  readonly counters: Counters;
  readonly key: StreamKey;
  /** Log heads to name; in the opening of a chain. */
  readonly heads: readonly Uint8Array[];
  /** False for what holds keys or the account's own state. */
  readonly mayDeflate: boolean;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Signs and seals. Does not move the chain: the caller does, in the step that stores the frame. */
export const frameBatch = (options: FramingOptions): Framed => {
  const { chain, counter } = options;
  const { stream, deviceId, clientId } = chain.address;
  const signed = encodeSigned(
    {
      kind: options.kind,
      clientId,
      counter,
      previous: chain.last,
      ...(chain.last === 0 && { opening: { deviceId, nonce: chain.nonce } }),
      seen: options.counters.tell(LIMITS.seenChanges).map((seen) => ({
        deviceTag: fromHex(seen.device).subarray(0, SEEN_TAG_BYTES),
        counter: seen.counter,
      })),
      heads: options.heads,
      payload: options.payload,
    },
    options.mayDeflate,
  );
  const statement = chainStatement(chain.address, counter, chainNext(chain.hash, signed));
  const encodedBody = encodeBody(signed, options.sign(statement));
  const frame = sealFrame(options.key, encodedBody, options.randomBytes);
  return { stream, frame, encodedBody, body: decodeBody(encodedBody) };
};
