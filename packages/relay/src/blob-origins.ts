// Which web pages a browser lets speak to the relay about blobs. Rules: spec/blobs.md §4 (BL17, BL18).
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

export interface OriginOptions {
  /** `https://app.example` and the like, or `*` for all. */
  readonly listed: readonly string[];
  /** Ports of the relay's own host where it serves apps. */
  readonly ports?: readonly number[];
}

/** Whether pages of an origin may ask. */
export type OriginCheck = (origin: string, request: IncomingMessage) => boolean;

/** @throws RangeError naming what is no origin. */
export const allowOrigins = ({ listed, ports = [] }: OriginOptions): OriginCheck => {
  for (const origin of listed)
    if (origin !== '*' && !isOrigin(origin)) throw new RangeError(`${origin}: no origin`);
  const known = new Set(listed);
  return (origin, { headers: { host } }) => {
    if (known.has('*') || known.has(origin)) return true;
    if (ports.length === 0 || host === undefined || !isOrigin(origin) || !URL.canParse(`http://${host}`))
      return false;
    const { protocol, hostname, port } = new URL(origin);
    const at = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    return hostname === new URL(`http://${host}`).hostname && ports.includes(at);
  };
};

/** As browsers write it: scheme, host, and a port where it is not the usual one. */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;

/** What every answer about blobs says: to pages that may ask, and against use as anything but bytes. */
export const setBlobHeaders = (
  request: IncomingMessage,
  response: ServerResponse,
  mayAsk: OriginCheck,
): void => {
  const { origin } = request.headers;
  response.setHeader('vary', 'origin');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'");
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  if (origin === undefined || !mayAsk(origin, request)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED);
};

const EXPOSED = 'sealwire-received, sealwire-request, content-range, accept-ranges, date, retry-after';

/** What a browser hears before it sends a request of another origin. */
export const preflight = (request: IncomingMessage, mayAsk: OriginCheck): OutgoingHttpHeaders => {
  const { origin } = request.headers;
  if (origin === undefined || !mayAsk(origin, request)) return {};
  return {
    'access-control-allow-methods': 'HEAD, GET, PUT, DELETE',
    'access-control-allow-headers': 'authorization, content-range, range',
    'access-control-max-age': '86400',
  };
};
