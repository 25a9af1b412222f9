// The relay on real sockets: HTTP for health, WebSocket for everything else. Rules: spec/relay-protocol.md §2 and §8.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { closeCodeOf, LIMITS, SUBPROTOCOL, toHex } from '@sealwire/protocol';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { createRelayCore, type RelayCore, type RelayEvent } from './core.ts';
import { type RelayLimits, relayLimits } from './limits.ts';
import { type Clock, type Link, type LinkEvents, systemClock } from './link.ts';
import type { LogStore } from './store.ts';

export interface RelayOptions {
  /** The relay closes it when it is closed itself. */
  readonly store: LogStore;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** A server of the caller's, listening or not, to take WebSocket upgrades from; `host` and `port` then do nothing. */
  readonly server?: Server;
  /** Answers HTTP requests other than /healthz. Default: 404. Not used with `server`. */
  readonly onRequest?: RequestListener;
  /** Where a connection comes from. Default: the socket's remote address; behind a proxy that is the proxy. */
  readonly addressOf?: (request: IncomingMessage) => string;
  readonly limits?: Partial<RelayLimits>;
  /** Default: this machine's clock. */
  readonly clock?: Clock;
  /** Unpredictable bytes, a new array each time. Default: node:crypto. */
  readonly random?: (length: number) => Uint8Array;
  /** Told what happens, without payloads, keys, ids and addresses. Default: nothing. */
  readonly log?: (event: RelayEvent) => void;
}

export interface Relay {
  readonly host: string;
  readonly port: number;
  /** The WebSocket address on this machine. */
  readonly address: string;
  /** 16 bytes. */
  readonly relayId: Uint8Array;
  /**
   * Stops: takes nothing new, finishes appends on their way to the disk, closes all connections with SHUTTING_DOWN
   * and the store. Waits at most `drainMs` for the appends, `closeMs` for the peers and `drainMs` for the store. May
   * be called twice.
   */
  close(): Promise<void>;
}

/**
 * Where a request comes from as the proxy in front tells it: the last address in `X-Forwarded-For`, which the proxy put
 * there itself. Without one, the proxy's own.
 */
export const forwardedFor = (request: IncomingMessage): string => {
  const told = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim();
  return told || (request.socket.remoteAddress ?? '');
};

/** TCP connections beside the WebSockets: for health checks, and for those who hear that the relay is full. */
const TURNED_AWAY = 1_000;

/**
 * Starts a relay.
 *
 * @throws Error (rejects) of node:net if the port cannot be bound.
 */
export const createRelay = async (options: RelayOptions): Promise<Relay> => {
  const { store, host = '127.0.0.1', port = 0, clock = systemClock, log = () => {} } = options;
  const { random = (length) => new Uint8Array(randomBytes(length)) } = options;
  const limits = relayLimits(options.limits);
  const core = createRelayCore({ store, clock, limits, random, log });
  const own = options.server === undefined;
  const server = options.server ?? createServer(answer(store, options.onRequest));
  const { addressOf = (request) => request.socket.remoteAddress ?? '' } = options;
  const sockets = attach({ server, core, limits, clock, log, addressOf });
  if (own) {
    server.maxConnections = limits.connections + TURNED_AWAY;
    await listen(server, host, port);
  }
  const bound = server.address() as AddressInfo | null;
  const at = { host: bound?.address ?? host, port: bound?.port ?? port };
  log({ event: 'listening', port: at.port });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    log({ event: 'stopping' });
    const serverClosed = own ? new Promise((resolve) => server.close(resolve)) : undefined;
    sockets.refuse();
    await core.stop();
    await sockets.gone();
    if (own) server.closeAllConnections();
    await serverClosed;
    await within(limits.drainMs, clock, store.close());
    log({ event: 'stopped' });
  };
  return {
    ...at,
    address: `ws://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`,
    relayId: store.relayId,
    close() {
      closing ??= close();
      return closing;
    },
  };
};

/** Resolves with `promise`, or after `ms` without it. */
const within = (ms: number, clock: Clock, promise: Promise<unknown>): Promise<void> =>
  new Promise((resolve, reject) => {
    const callOff = clock.after(ms, resolve);
    promise.then(() => resolve(), reject).finally(callOff);
  });

const answer = (store: LogStore, next: RequestListener | undefined): RequestListener => {
  const health = JSON.stringify({ status: 'ok', relayId: toHex(store.relayId) });
  return (request, response) => {
    if (request.url === '/healthz' && request.method === 'GET') {
      response
        .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end(health);
    } else if (next) {
      next(request, response);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
    }
  };
};

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** Takes WebSocket upgrades from a server and hands the connections to the core. */
const attach = ({
  server,
  core,
  limits,
  clock,
  log,
  addressOf,
}: {
  readonly server: Server;
  readonly core: RelayCore;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly log: (event: RelayEvent) => void;
  readonly addressOf: (request: IncomingMessage) => string;
}): { refuse(): void; gone(): Promise<void> } => {
  const sockets = new Set<OpenSocket>();
  const settings: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LIMITS.messageBytes,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
    // Newer than the published types.
    closeTimeout: limits.closeMs,
  };
  const upgrades = new WebSocketServer(settings);
  let isClosed = false;

  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const isFull = isClosed || core.connections >= limits.connections;
    if (isFull || !asksForProtocol(request)) {
      reject(stream, isFull ? '503 Service Unavailable' : '400 Bad Request');
      return;
    }
    const address = addressOf(request);
    if (!core.admits(address)) {
      reject(stream, '429 Too Many Requests');
      return;
    }
    upgrades.handleUpgrade(request, stream, head, (socket) => {
      const open = new OpenSocket(socket, stream, limits, () => {
        sockets.delete(open);
        log({ event: 'disconnected', connections: core.connections });
        if (isClosed && sockets.size === 0) allGone();
      });
      sockets.add(open);
      open.events = core.connect(open, address);
      log({ event: 'connected', connections: core.connections });
    });
  };
  server.on('upgrade', upgrade);

  let allGone = (): void => {};
  let callOff = (): void => {};
  const reap = (): void => {
    for (const socket of sockets) socket.probe();
    callOff = clock.after(limits.pingMs, reap);
  };
  callOff = clock.after(limits.pingMs, reap);

  return {
    /** Takes no new connections from here on. */
    refuse() {
      isClosed = true;
    },
    /** Resolves when the last connection is gone. */
    async gone() {
      callOff();
      if (sockets.size > 0) {
        await new Promise<void>((resolve) => {
          allGone = resolve;
        });
      }
      server.off('upgrade', upgrade);
    },
  };
};

const asksForProtocol = (request: IncomingMessage): boolean =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === SUBPROTOCOL);

const reject = (stream: Duplex, status: string): void => {
  stream.on('error', () => {});
  stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
};

/** A WebSocket as a link of the core. */
class OpenSocket implements Link {
  events: LinkEvents | undefined;
  readonly #socket: WebSocket;
  #isAlive = true;
  #isPaused = false;
  /** One for all sends: a closure for each would cost more than the send. */
  readonly #sent = (error?: Error): void => {
    if (error) return;
    this.#isAlive = true;
    this.events?.flushed();
  };

  constructor(socket: WebSocket, stream: Duplex, limits: RelayLimits, gone: () => void) {
    this.#socket = socket;
    this.#countUntilAuthenticated(stream, limits.unauthenticatedBytes);
    socket.on('message', (data: Buffer, isBinary) => {
      this.#isAlive = true;
      if (isBinary) this.events?.received(data);
      else this.events?.faulted('MALFORMED');
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // ws closes such a connection itself, with 1002, 1007 or 1009.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.events?.ended();
      this.events = undefined;
      gone();
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(bytes, this.#sent);
  }

  close(code: Parameters<Link['close']>[0]): void {
    // A paused socket would never see the peer's part of the closing handshake.
    this.resume();
    this.#socket.close(closeCodeOf(code), code);
  }

  buffered(): number {
    return this.#socket.bufferedAmount;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Ends the socket if nothing has come from the peer since the last probe, and asks for a sign of life. */
  probe(): void {
    // While the disk holds up the reading, the peer cannot be heard.
    const isDeaf = this.#isPaused && this.buffered() === 0;
    if (!this.#isAlive && !isDeaf) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /** Counts before the WebSocket layer assembles anything, which would take memory for a stranger. */
  #countUntilAuthenticated(stream: Duplex, mostBytes: number): void {
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      if (this.events?.authenticated) {
        stream.off('data', count);
        return;
      }
      bytes += chunk.length;
      if (bytes > mostBytes) {
        stream.off('data', count);
        this.events?.faulted('TOO_LARGE');
      }
    };
    stream.on('data', count);
  }
}
