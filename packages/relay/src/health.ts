// What a relay answers to those who watch over it. Rules: spec/relay-protocol.md §10 (RP100, RP150).
import type { RequestListener, ServerResponse } from 'node:http';
import { SealwireError, toHex } from '@sealwire/protocol';
import { isLater } from './awaitable.ts';
import type { LogStore } from './store.ts';

/** @param isOpen - false from the moment that the relay stops. @param next - answers everything else; default: 404. */
export const answerHealth = (
  store: LogStore,
  isOpen: () => boolean,
  next: RequestListener | undefined,
): RequestListener => {
  const relayId = toHex(store.relayId);
  const say = (response: ServerResponse, code: number, status: string): void => {
    response
      .writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify({ status, relayId }));
  };
  return (request, response) => {
    if (request.url === '/healthz' && request.method === 'GET') say(response, 200, 'ok');
    else if (request.url === '/readyz' && request.method === 'GET') {
      if (isOpen()) {
        void isReadable(store).then((yes) => say(response, yes ? 200 : 503, yes ? 'ready' : 'store-failed'));
      } else say(response, 503, 'stopping');
    } else if (next) {
      next(request, response);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
    }
  };
};

/** A store elsewhere that takes longer does not answer: a load balancer would not wait either. */
const ANSWERS_WITHIN_MS = 2_000;

/** Whether it comes in time. */
const inTime = (answer: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), ANSWERS_WITHIN_MS);
    answer.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });

/** Whether the store answers. */
const isReadable = async (store: LogStore): Promise<boolean> => {
  try {
    const head = store.head(new Uint8Array(32));
    return isLater(head) ? await inTime(head) : true;
  } catch (error) {
    if (!(error instanceof SealwireError)) throw error;
    return false;
  }
};
