// The HTTP of blobs: headers in and out, and bytes at the pace of the socket. Rules: spec/blobs.md §2.
import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ErrorCode } from '@sealwire/protocol';

const STATUS: Partial<Record<ErrorCode, number>> = {
  MALFORMED: 422,
  TOO_LARGE: 413,
  UNEXPECTED_MESSAGE: 409,
  AUTH_FAILED: 401,
  NO_PRINCIPAL: 403,
  NOT_A_MEMBER: 403,
  NOT_AN_ADMIN: 403,
  ROOM_UNKNOWN: 404,
  BLOB_UNKNOWN: 404,
  ROOM_DELETED: 410,
  LIMIT_REACHED: 429,
  SHUTTING_DOWN: 503,
  STORE_FULL: 507,
  ROOM_FULL: 507,
};

/** @param connection - `close` where the request's body is not read. */
export const answerWith = (
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders = {},
  connection?: 'close',
): void => {
  response.writeHead(status, { ...headers, ...(connection && { connection }) }).end();
};

/** Answers with a code; of a request whose body may still be coming, so that the connection is not used again. */
export const fail = (
  response: ServerResponse,
  code: ErrorCode,
  status = STATUS[code] ?? 500,
  headers: OutgoingHttpHeaders = {},
): void => {
  const body = JSON.stringify({ code });
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': body.length,
      connection: 'close',
      ...((status === 429 || status === 503) && { 'retry-after': '1' }),
      ...headers,
    })
    .end(body);
};

/** A part of a blob as `content-range` names it; without `first` where only its progress is asked for. */
export const partOf = (
  header: string | undefined,
): { readonly first: number | undefined; readonly size: number } | undefined => {
  const [, first, last, text] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/.exec(header ?? '') ?? [];
  const size = Number(text ?? 0);
  if (size === 0) return undefined;
  if (first === undefined) return { first: undefined, size };
  return Number(first) <= Number(last) && Number(last) < size ? { first: Number(first), size } : undefined;
};

/** One range of bytes, `end` not in it; undefined for all of them, 'none' for one that is not there. */
export const rangeOf = (
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'none' | undefined => {
  const [whole, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (whole === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : 'none';
};

/** Sends a body at the pace at which it is taken; ends early when nobody takes it any more. */
export const sendBody = async (
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  sent: (bytes: number) => void,
): Promise<void> => {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    for await (const piece of body) {
      if (response.destroyed) return;
      sent(piece.length);
      if (!response.write(piece)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.off('close', leave);
  }
};
