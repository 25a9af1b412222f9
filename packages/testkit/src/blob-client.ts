// A device's side of blobs, for tests: signed requests over HTTP. Rules it serves: spec/blobs.md §2.
import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type BlobMethod, blobStatement, encodeBlobRequest } from '@sealwire/protocol';
import type { TestKey } from './relay-client.ts';

export interface BlobAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of a refusal. */
  readonly code: string | undefined;
}

export interface BlobAsk {
  readonly method: 'HEAD' | 'GET' | 'PUT' | 'DELETE';
  readonly room: Uint8Array;
  readonly name: Uint8Array;
  readonly range?: string;
  /** `content-range` of a PUT, with its bytes; `breakAfter` so many of them the line breaks. */
  readonly part?: string;
  readonly bytes?: Uint8Array;
  readonly breakAfter?: number;
  /** So many bytes are sent, and no more for as long as the relay waits. */
  readonly holdAfter?: number;
  /** Default: now. */
  readonly timeMs?: number;
  /** In place of the header that the above makes. */
  readonly authorization?: string;
  readonly path?: string;
}

export const nameOfBlob = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

const SIGNED: Readonly<Record<BlobAsk['method'], BlobMethod>> = {
  HEAD: 'get',
  GET: 'get',
  PUT: 'put',
  DELETE: 'delete',
};

/** The header that gives a key's word for a request. */
export const blobAuthority = (
  key: TestKey,
  relayId: Uint8Array,
  { method, room, name, timeMs = Date.now() }: BlobAsk,
): string => {
  const request = { relayKey: key.publicKey, timeMs, room, name };
  return encodeBlobRequest(request, key.sign(blobStatement(relayId, SIGNED[method], request)));
};

/** @param relay - its WebSocket address and id. */
export const blobClient = (
  relay: { readonly address: string; readonly relayId: Uint8Array },
  key: TestKey,
) => {
  const agent = new Agent({ keepAlive: false });
  const ask = (wanted: BlobAsk): Promise<BlobAnswer> =>
    new Promise((resolve, reject) => {
      const { bytes = new Uint8Array(), breakAfter, holdAfter } = wanted;
      const asked = httpRequest(`${relay.address.replace('ws:', 'http:')}${wanted.path ?? '/blobs'}`, {
        agent,
        method: wanted.method,
        headers: {
          authorization: wanted.authorization ?? blobAuthority(key, relay.relayId, wanted),
          ...(wanted.range && { range: wanted.range }),
          ...(wanted.method === 'PUT' && { 'content-length': bytes.length }),
          ...(wanted.part && { 'content-range': wanted.part }),
        },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(pieces);
          const isJson = response.headers['content-type'] === 'application/json' && body.length > 0;
          const code = isJson ? (JSON.parse(body.toString()) as { code: string }).code : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, code });
        });
      });
      if (holdAfter !== undefined) asked.write(bytes.subarray(0, holdAfter));
      else if (breakAfter === undefined) asked.end(bytes);
      else asked.write(bytes.subarray(0, breakAfter), () => setImmediate(() => asked.destroy()));
    });
  return {
    ask,
    /** Sends a blob in one part. */
    put: (room: Uint8Array, bytes: Uint8Array, name = nameOfBlob(bytes)): Promise<BlobAnswer> =>
      ask({ method: 'PUT', room, name, part: `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes }),
    get: (room: Uint8Array, name: Uint8Array, range?: string): Promise<BlobAnswer> =>
      ask({ method: 'GET', room, name, ...(range && { range }) }),
    head: (room: Uint8Array, name: Uint8Array): Promise<BlobAnswer> => ask({ method: 'HEAD', room, name }),
    remove: (room: Uint8Array, name: Uint8Array): Promise<BlobAnswer> =>
      ask({ method: 'DELETE', room, name }),
  };
};
