// Serves one built app on a port of its own, under a strict Content-Security-Policy. Rules: spec/relay-protocol.md §10.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';

export interface AppOptions {
  /** Folder of the built app, with an index.html. */
  readonly directory: string;
  /** WebSocket address of the relay, told to the app in /relay.json: the only foreign origin it may speak to. */
  readonly relay: string;
}

export interface AppServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves an app. Two apps that must not share storage need two ports, since a port makes an origin.
 *
 * @throws Error (rejects) if the folder is not there or the port cannot be bound.
 */
export const serveApp = async (options: AppOptions & { host: string; port: number }): Promise<AppServer> => {
  const server = createServer(await staticFiles(options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/**
 * Answers GET and HEAD for the files of a folder and for /relay.json; nothing outside the folder, no dot files.
 *
 * @throws Error (rejects) of node:fs if the folder is not there; TypeError if `relay` is no URL.
 */
export const staticFiles = async ({ directory, relay }: AppOptions): Promise<RequestListener> => {
  const root = await realpath(directory);
  const headers = securityHeaders(relay);
  const told = JSON.stringify({ relay });
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      end(response, 405, { allow: 'GET, HEAD' });
      return;
    }
    const path = pathOf(request.url ?? '/');
    if (path === '/relay.json') {
      const type = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(200, type).end(request.method === 'HEAD' ? undefined : told);
      return;
    }
    find(root, path)
      .then((file) => (file ? send(request, response, file) : end(response, path === undefined ? 400 : 404)))
      .catch(() => end(response, 404));
  };
};

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly tag: string;
  readonly isForever: boolean;
}

/** The path of a request's target, decoded; undefined if it is not one. */
const pathOf = (target: string): string | undefined => {
  try {
    const path = decodeURIComponent(new URL(target, 'http://app').pathname);
    return path.includes('\0') || path.includes('\\') ? undefined : path;
  } catch {
    return undefined;
  }
};

const find = async (root: string, path: string | undefined): Promise<FoundFile | undefined> => {
  if (path === undefined || path.split('/').some((part) => part.startsWith('.'))) return undefined;
  // Links are followed first and judged by where they lead.
  const file = await realpath(join(root, path.endsWith('/') ? `${path}index.html` : path));
  if (!file.startsWith(root + sep)) return undefined;
  const { size, mtimeMs, isFile } = await stat(file).then((found) => ({
    size: found.size,
    mtimeMs: found.mtimeMs,
    isFile: found.isFile(),
  }));
  if (!isFile) return undefined;
  const tag = `W/"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  // The bundler puts a hash of the content into the names in this folder.
  return { path: file, bytes: size, tag, isForever: path.startsWith('/assets/') };
};

const send = (request: IncomingMessage, response: ServerResponse, file: FoundFile): void => {
  response.setHeader('cache-control', file.isForever ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('etag', file.tag);
  if (request.headers['if-none-match'] === file.tag) {
    end(response, 304);
    return;
  }
  response.writeHead(200, { 'content-type': typeOf(file.path), 'content-length': file.bytes });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file.path)
      .on('error', () => response.destroy())
      .pipe(response);
};

const end = (response: ServerResponse, status: number, headers: Record<string, string> = {}): void => {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, headers).end();
};

/** What an app may load, speak to and use: its own files, its relay, the camera for scanning. */
const securityHeaders = (relay: string): Readonly<Record<string, string>> => {
  const { host, protocol } = new URL(relay);
  // Frames by the one, blobs by the other.
  const places = protocol === 'wss:' ? `wss://${host} https://${host}` : `ws://${host} http://${host}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob: mediastream:",
    `connect-src 'self' ${places}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
    'cross-origin-opener-policy': 'same-origin',
  };
};

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

const typeOf = (path: string): string => TYPES[extname(path)] ?? 'application/octet-stream';
