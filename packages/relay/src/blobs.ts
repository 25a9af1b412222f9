// Blobs over HTTP: who may do what, and bytes from socket to store and back. Rules: spec/blobs.md §2 and §3.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  type BlobMethod,
  type BlobRequest,
  blobStatement,
  decodeBlobRequest,
  type ErrorCode,
  SealwireError,
  sameBytes,
} from '@sealwire/protocol';
import { addressGroup } from './addresses.ts';
import { type OriginCheck, preflight, setBlobHeaders } from './blob-origins.ts';
import type { BlobAddress, BlobInfo, BlobStore } from './blob-store.ts';
import { answerWith, fail, partOf, rangeOf, sendBody } from './blobs-http.ts';
import { createBuckets } from './bucket.ts';
import type { RelayEvent } from './core.ts';
import type { RelayLimits } from './limits.ts';
import type { Clock } from './link.ts';
import type { Measures } from './measures.ts';
import { isDeleted, memberOf, refusalInRoom } from './rights.ts';
import { isSigned } from './signatures.ts';
import { FRAME_OVERHEAD, type LogStore, type RoomRecord } from './store.ts';

export interface BlobAnswerOptions {
  readonly store: LogStore;
  readonly blobs: BlobStore;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly isOpen: () => boolean;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Which web pages may ask. */
  readonly mayAsk: OriginCheck;
  readonly measures: Measures;
  readonly log: (event: RelayEvent) => void;
  /** Answers other paths. Default: 404. */
  readonly next: RequestListener | undefined;
}

/** Who asks, once proven. */
interface Asker extends BlobAddress {
  readonly principal: Uint8Array;
  readonly record: RoomRecord;
}

const METHODS: Readonly<Record<string, BlobMethod>> = {
  HEAD: 'get',
  GET: 'get',
  PUT: 'put',
  DELETE: 'delete',
};

/** How often begun blobs that nothing comes for are looked for. */
const EXPIRE_EVERY_MS = 60 * 60_000;

export const answerBlobs = (
  options: BlobAnswerOptions,
): { readonly listener: RequestListener; stop(): void } => {
  const { blobs, limits, clock, log, measures } = options;
  const attempts = createBuckets({
    most: limits.blobRequestsAtOnce,
    everyMs: 1_000 / limits.blobRequestsPerSecond,
  });
  const inTurn = createTurns();
  let transfers = 0;
  let requests = 0;
  let callOff = (): void => {};
  const expire = (): void => {
    callOff = clock.after(EXPIRE_EVERY_MS, expire);
    void blobs.expire(limits.blobPartMs).catch((error: unknown) => told(options, error));
  };
  expire();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = METHODS[request.method ?? ''];
    if (request.method === 'OPTIONS') return answerWith(response, 204, preflight(request, options.mayAsk));
    if (method === undefined || request.url !== '/blobs') return fail(response, 'UNEXPECTED_MESSAGE', 405);
    if (!options.isOpen()) return fail(response, 'SHUTTING_DOWN');
    const address = addressGroup(options.addressOf(request));
    if (transfers >= limits.blobTransfers || !attempts.of(address).take(clock.now(), 1))
      return fail(response, 'LIMIT_REACHED');
    transfers++;
    const { socket } = request;
    const isStill = (): void => void socket.destroy();
    socket.setTimeout(2 * limits.pingMs).once('timeout', isStill);
    try {
      const asker = await prove(options, method, request.headers.authorization);
      if (request.method === 'HEAD') await head(blobs, asker, response);
      else if (method === 'get') await get(blobs, asker, request, response, measures);
      else if (method === 'put') await put({ ...options, inTurn }, asker, request, response);
      else await remove(options, asker, response);
    } finally {
      transfers--;
      socket.off('timeout', isStill);
    }
  };
  return {
    listener(request, response) {
      if (request.url?.split('?', 1)[0] !== '/blobs') {
        if (options.next) options.next(request, response);
        else answerWith(response, 404);
        return;
      }
      setBlobHeaders(request, response, options.mayAsk);
      const number = ++requests;
      const startedAt = clock.now();
      response.setHeader('sealwire-request', number);
      response.once('close', () => {
        const { method = '' } = request;
        // Without an answer the other side, or the relay, left before it was whole.
        const status = response.writableFinished ? response.statusCode : 0;
        log({ event: 'blob', request: number, method, status, ms: Math.round(clock.now() - startedAt) });
      });
      answer(request, response).catch((error: unknown) => failed(options, error, response));
    },
    stop: () => callOff(),
  };
};

type InTurn = <T>(run: () => Promise<T>) => Promise<T>;

/** Runs one after the other, whatever comes of the one before. */
const createTurns = (): InTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const mine = last.then(run, run);
    last = mine;
    return mine;
  };
};

/** Who asks for what. @throws Refused; SealwireError of the store. */
const prove = async (
  { store, limits, now }: BlobAnswerOptions,
  method: BlobMethod,
  header: string | undefined,
): Promise<Asker> => {
  let asked: BlobRequest & { readonly signature: Uint8Array };
  try {
    asked = decodeBlobRequest(header ?? '');
  } catch (error) {
    if (!(error instanceof SealwireError)) throw error;
    throw new Refused('AUTH_FAILED');
  }
  const { relayKey, timeMs, room, name, signature } = asked;
  if (Math.abs(now() - timeMs) > limits.blobClockMs) throw new Refused('AUTH_FAILED');
  const statement = blobStatement(store.relayId, method, asked);
  if (!isSigned({ publicKey: relayKey, statement, signature })) throw new Refused('AUTH_FAILED');
  const [principal, record] = await Promise.all([store.principalOf(relayKey), store.room(room)]);
  const code = refusalInRoom(record, principal);
  if (code !== undefined || !principal || !record) throw new Refused(code ?? 'ROOM_UNKNOWN');
  return { principal, record, room, name };
};

/** The relay's own no, as opposed to a fault of the store. */
class Refused extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** The other side left before all was there. */
class Gone extends Error {}

const head = async (blobs: BlobStore, asker: Asker, response: ServerResponse): Promise<void> => {
  const known = await blobs.find(asker);
  if (known?.isWhole) answerWith(response, 200, { 'content-length': known.size, 'accept-ranges': 'bytes' });
  else if (known) answerWith(response, 404, { 'sealwire-received': known.received });
  else answerWith(response, 404);
};

const get = async (
  blobs: BlobStore,
  asker: Asker,
  request: IncomingMessage,
  response: ServerResponse,
  measures: Measures,
): Promise<void> => {
  const known = await blobs.find(asker);
  if (!known?.isWhole) throw new Refused('BLOB_UNKNOWN');
  const range = rangeOf(request.headers.range, known.size);
  if (range === 'none') return answerWith(response, 416, { 'content-range': `bytes */${known.size}` });
  const { start, end } = range ?? { start: 0, end: known.size };
  response.writeHead(range ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${known.size}` }),
  });
  await sendBody(response, blobs.read(asker, start, end), (bytes) => measures.blob('down', bytes));
};

const put = async (
  options: BlobAnswerOptions & { readonly inTurn: InTurn },
  asker: Asker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { blobs, limits, measures } = options;
  const part = partOf(request.headers['content-range']);
  if (part === undefined) throw new Refused('MALFORMED');
  if (part.size > limits.blobBytes) throw new Refused('TOO_LARGE');
  const known = await blobs.find(asker);
  if (known?.isWhole) {
    if (known.size !== part.size) return fail(response, 'UNEXPECTED_MESSAGE', 409);
    return answerWith(response, 201, { 'sealwire-received': known.size }, 'close');
  }
  const received = known?.received ?? 0;
  if ((known && known.size !== part.size) || (part.first ?? received) !== received)
    return fail(response, 'UNEXPECTED_MESSAGE', 409, { 'sealwire-received': received });
  const begun = known ?? (await options.inTurn(() => begin(options, asker, part.size)));
  // Somebody else began it meanwhile.
  if (begun.size !== part.size || begun.received !== received)
    return fail(response, 'UNEXPECTED_MESSAGE', 409, { 'sealwire-received': begun.received });
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of request as AsyncIterable<Buffer>) {
        measures.blob('up', piece.length);
        yield piece;
      }
    } catch (cause) {
      throw new Gone('the other side left', { cause });
    }
  };
  const after = await blobs.write(asker, begun.received, counted());
  if (after.isWhole) await settle(options, asker, part.size, begun.principal);
  answerWith(response, after.isWhole ? 201 : 202, { 'sealwire-received': after.received });
};

/** Counts a blob that has just become whole; one that cannot be counted, or has no room any more, is not kept. */
const settle = async (
  { store, blobs }: BlobAnswerOptions,
  asker: Asker,
  size: number,
  principal: Uint8Array,
): Promise<void> => {
  try {
    // A room that was deleted while the bytes came took along what there was by then.
    const room = await store.room(asker.room);
    if (!room || isDeleted(room)) throw new Refused('ROOM_DELETED');
    await store.charge({ room: asker.room, principal, bytes: size + FRAME_OVERHEAD });
  } catch (error) {
    await blobs.remove(asker);
    throw error;
  }
};

/** Begins a blob that the budgets allow. In turn: what one begins counts for the next. */
const begin = async (options: BlobAnswerOptions, asker: Asker, size: number): Promise<BlobInfo> => {
  const code = await refusalByBudget(options, asker, size);
  if (code !== undefined) throw new Refused(code);
  return options.blobs.begin(asker, size, asker.principal);
};

const refusalByBudget = async (
  { store, blobs, limits }: BlobAnswerOptions,
  { room, principal }: Asker,
  size: number,
): Promise<ErrorCode | undefined> => {
  const begun = await blobs.begunBy(principal);
  if (begun.blobs >= limits.blobParts) return 'LIMIT_REACHED';
  const more = size + FRAME_OVERHEAD;
  const [usage, share, others] = await Promise.all([
    store.usage(principal),
    store.share(room),
    blobs.begunIn(room),
  ]);
  if (usage.bytes + begun.bytes + more > limits.bytesPerPrincipal) return 'STORE_FULL';
  return share.bytes + others.bytes + more > limits.bytesPerRoom ? 'ROOM_FULL' : undefined;
};

const remove = async (
  { store, blobs }: BlobAnswerOptions,
  asker: Asker,
  response: ServerResponse,
): Promise<void> => {
  const known = await blobs.find(asker);
  if (known) {
    const isOwn = sameBytes(known.principal, asker.principal);
    if (!isOwn && !memberOf(asker.record, asker.principal)?.admin) throw new Refused('NOT_AN_ADMIN');
    const gone = await blobs.remove(asker);
    if (gone?.isWhole)
      await store.charge({
        room: asker.room,
        principal: gone.principal,
        bytes: -(gone.size + FRAME_OVERHEAD),
      });
  }
  answerWith(response, 204);
};

const failed = (options: BlobAnswerOptions, error: unknown, response: ServerResponse): void => {
  // The other side left in the middle: what came is kept, and there is nobody to answer.
  if (error instanceof Gone) {
    response.destroy();
    return;
  }
  if (error instanceof Refused) {
    fail(response, error.code);
    return;
  }
  told(options, error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code } = error as SealwireError;
  fail(response, code, code === 'UNEXPECTED_MESSAGE' ? 409 : undefined);
};

/** Faults of the store are told; others are bugs. @throws the error again if it is none of ours. */
const told = ({ log }: BlobAnswerOptions, error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
  const { code } = error;
  if (code === 'STORE_FULL' || code === 'STORE_FAILED') log({ event: 'store-failed', code });
};
