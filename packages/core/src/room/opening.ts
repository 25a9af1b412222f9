// Opens the frames that wait in one room: finds their keys, unseals all of one key together, reads their bodies.
// Rules: spec/frame.md §2 and §4.
import { CONTROL_STREAM, SealwireError, type StoredFrame, sameBytes } from '@sealwire/protocol';
import { type Body, decodeBody, KIND } from '../frame/body.ts';
import { epochTagOf, openFrames } from '../frame/envelope.ts';
import { isDocumentStream } from '../shareddoc/name.ts';
import type { RecordId } from '../vault/vault.ts';
import type { EpochKey, Keyring } from './keyring.ts';

/** A frame as it came, until it is judged. */
export interface Waiting {
  readonly position: number;
  readonly stream: string;
  readonly frame: Uint8Array;
  /** Its record in the vault, once it is parked. */
  record: RecordId | undefined;
  body: Body | undefined;
  encodedBody: Uint8Array | undefined;
  /** The name of the epoch that it is of, once it is open: see keyring.ts. */
  epoch: string;
  /** The vault has its body among those that count, see replay.ts: `frame` is that body, and nothing is stored of it. */
  readonly isKept?: true;
}

/** A frame that has just come. Written out: a spread of each takes a tenth of a catch-up. */
export const toWaiting = ({ position, stream, frame }: StoredFrame): Waiting => ({
  position,
  stream,
  frame,
  record: undefined,
  body: undefined,
  encodedBody: undefined,
  epoch: '',
});

/** What opening needs of an inbox. */
export interface OpeningOptions {
  readonly keyring: Keyring;
  readonly control: {
    /** Takes at once what proves itself, so that the frame around it can be judged. */
    preview(payload: Uint8Array): Promise<void>;
  };
}

/**
 * Opens what can be opened now, and gives each item its body.
 *
 * @param refuse - told of each frame that will never open.
 * @param passOver - told of each frame that was sealed for others.
 * @returns those, and those of epochs that are not for this account, which are passed over without a word.
 */
export const openWaiting = async (
  waiting: readonly Waiting[],
  { keyring, control }: OpeningOptions,
  refuse: (item: Waiting, error: SealwireError) => void,
  passOver: (item: Waiting) => void,
): Promise<Waiting[]> => {
  const refused: Waiting[] = [];
  const never = (item: Waiting, error: unknown): void => {
    refuse(item, asSealwireError(error));
    refused.push(item);
  };
  const byKey = new Map<EpochKey, Waiting[]>();
  const keyFor = keyFinder(keyring);
  for (const item of waiting) {
    if (item.body) continue;
    try {
      const tag = epochTagOf(item.frame);
      if (keyring.isForOthers(item.stream, tag)) {
        passOver(item);
        refused.push(item);
        continue;
      }
      const key = keyFor(item.stream, tag);
      if (key) listIn(byKey, key).push(item);
    } catch (error) {
      never(item, error);
    }
  }
  for (const [key, items] of byKey) {
    const opened = await openFrames(
      key,
      items.map(({ frame }) => frame),
    );
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      try {
        item.encodedBody = orThrow(opened[i]!);
        item.epoch = key.epoch;
        item.body = decodeBody(item.encodedBody);
        requireKind(item.stream, item.body);
        if (item.body.kind !== KIND.control) continue;
        keepAlone(item); // Its log entries are kept.
        await control.preview(item.body.payload);
      } catch (error) {
        never(item, error);
      }
    }
  }
  return refused;
};

/** What stays for long must not hold on to the frames that it came with: their bodies lie in one array. */
export const keepAlone = (item: Waiting): void => {
  const encoded = item.encodedBody;
  if (!encoded || encoded.byteLength === encoded.buffer.byteLength) return;
  item.encodedBody = encoded.slice();
  item.body = decodeBody(item.encodedBody);
};

/** A fault of the world stays what it is; anything else is a bug and goes on up. */
export const asSealwireError = (error: unknown): SealwireError => {
  if (error instanceof SealwireError) return error;
  throw error;
};

/** The list under a key, empty when it is asked for first. */
export const listIn = <K, V>(lists: Map<K, V[]>, key: K): V[] => {
  let list = lists.get(key);
  if (!list) {
    list = [];
    lists.set(key, list);
  }
  return list;
};

/** What the payloads of a stream are. */
export const kindOf = (stream: string): (typeof KIND)[keyof typeof KIND] => {
  if (stream === CONTROL_STREAM) return KIND.control;
  return isDocumentStream(stream) ? KIND.document : KIND.updates;
};

const requireKind = (stream: string, body: Body): void => {
  if (body.kind !== kindOf(stream))
    throw new SealwireError(
      'UNSUPPORTED_VERSION',
      'A frame holds something that this version does not know.',
    );
};

/** Finds keys in the ring, and remembers the last: frames that come together are mostly of one stream and epoch. */
const keyFinder = (keyring: Keyring) => {
  let stream = '';
  let key: EpochKey | undefined;
  return (wanted: string, tag: Uint8Array): EpochKey | undefined => {
    if (key && stream === wanted && sameBytes(key.tag, tag)) return key;
    stream = wanted;
    key = keyring.opening(wanted, tag);
    return key;
  };
};

const orThrow = (opened: Uint8Array | SealwireError): Uint8Array => {
  if (opened instanceof SealwireError) throw opened;
  return opened;
};
