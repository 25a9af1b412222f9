// The relay on real sockets: HTTP for health, WebSocket for everything else. Rules: spec/relay-protocol.md §2 and §8.
import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { LIMITS, SealwireError, SUBPROTOCOL } from '@sealwire/protocol';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { allowOrigins, type OriginCheck } from './blob-origins.ts';
import type { BlobStore } from './blob-store.ts';
import { answerBlobs } from './blobs.ts';
import { createRelayCore, type RelayCore, type RelayEvent } from './core.ts';
import { answerHealth } from './health.ts';
import { type RelayLimits, relayLimits } from './limits.ts';
import { type Clock, systemClock } from './link.ts';
import { type Measures, NO_MEASURES } from './measures.ts';
import { SocketLink } from './socket-link.ts';
import type { LogStore, StoreTotals } from './store.ts';

export interface RelayOptions {
  /** The relay closes it when it is closed itself. */
  readonly store: LogStore;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, any free port. */
  readonly port?: number;
  /** A server of the caller's, listening or not, to take WebSocket upgrades from; `host` and `port` then do nothing. */
  readonly server?: Server;
  /** PEM texts: connections are then `wss://`. Default: none, for loopback and behind a proxy. Not used with `server`. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Where attachments are kept; the relay closes it. Default: nowhere, and /blobs is not answered. Not used with `server`. */
  readonly blobs?: BlobStore;
  /** Which web pages a browser lets speak about blobs. Default: those of the relay's own address alone. */
  readonly mayAsk?: OriginCheck;
  /** Milliseconds since 1970, for the times in blob requests. Default: Date.now. */
  readonly now?: () => number;
  /** Answers HTTP requests other than /healthz and /readyz. Default: 404. Not used with `server`. */
  readonly onRequest?: RequestListener;
  /** Where a connection comes from. Default: the socket's remote address; behind a proxy that is the proxy. */
  readonly addressOf?: (request: IncomingMessage) => string;
  readonly limits?: Partial<RelayLimits>;
  /** `ws://` or `wss://` address of another relay with the same store, told to devices when this one stops. */
  readonly successor?: string;
  /** Default: this machine's clock. */
  readonly clock?: Clock;
  /** Unpredictable bytes, a new array each time. Default: node:crypto. */
  readonly random?: (length: number) => Uint8Array;
  /** Told what happens, without payloads, keys, ids and addresses. Default: nothing. */
  readonly log?: (event: RelayEvent) => void;
  /** Told amounts and times. Default: nothing. */
  readonly measures?: Measures;
}

export interface Relay {
  readonly host: string;
  readonly port: number;
  /** The WebSocket address on this machine. */
  readonly address: string;
  /** 16 bytes. */
  readonly relayId: Uint8Array;
  /** How much the store holds; undefined if it does not tell. @throws SealwireError of the store. */
  totals(): StoreTotals | undefined;
  /** Connections at present, and rooms that they follow. */
  readonly load: { readonly connections: number; readonly activeRooms: number };
  /**
   * Stops: takes nothing new, finishes appends on their way to the disk, closes all connections with SHUTTING_DOWN
   * and the store. Waits at most `drainMs` for the appends, `closeMs` for the peers and `drainMs` for the store. May
   * be called twice.
   */
  close(): Promise<void>;
}

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
  const { measures } = options;
  const { addressOf = (request) => request.socket.remoteAddress ?? '', blobs } = options;
  const core = createRelayCore({
    store,
    clock,
    limits,
    random,
    log,
    ...(measures && { measures }),
    roomDeleted: (room) => void blobs?.removeRoom(room).catch(blobsFailed),
  });
  const blobsFailed = (error: unknown): void => {
    if (!(error instanceof SealwireError)) throw error;
    log({ event: 'store-failed', code: error.code });
  };
  let closing: Promise<void> | undefined;
  const own = options.server === undefined;
  const isOpen = (): boolean => closing === undefined;
  const answering =
    blobs &&
    answerBlobs({
      ...{ store, blobs, limits, clock, log, isOpen, addressOf, measures: measures ?? NO_MEASURES },
      now: options.now ?? Date.now,
      mayAsk: options.mayAsk ?? allowOrigins({ listed: [] }),
      next: options.onRequest,
    });
  const answers = answerHealth(store, isOpen, answering?.listener ?? options.onRequest);
  const server: Server =
    options.server ?? (options.tls ? createTlsServer(options.tls, answers) : createServer(answers));
  const sockets = attach({ server, core, limits, clock, log, addressOf });
  if (own) {
    server.maxConnections = limits.connections + TURNED_AWAY;
    await listen(server, host, port);
  }
  const bound = server.address() as AddressInfo | null;
  const at = { host: bound?.address ?? host, port: bound?.port ?? port };
  log({ event: 'listening', port: at.port });
  const close = async (): Promise<void> => {
    log({ event: 'stopping' });
    const serverClosed = own ? new Promise((resolve) => server.close(resolve)) : undefined;
    sockets.refuse();
    await core.stop(options.successor);
    await sockets.gone();
    if (own) server.closeAllConnections();
    await serverClosed;
    answering?.stop();
    await within(limits.drainMs, clock, Promise.all([store.close(), blobs?.close()]));
    log({ event: 'stopped' });
  };
  return {
    ...at,
    address: `${options.tls && own ? 'wss' : 'ws'}://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`,
    relayId: store.relayId,
    totals: () => store.totals?.(),
    get load() {
      return { connections: core.connections, activeRooms: core.activeRooms };
    },
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

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    // A whole neighbourhood comes back at once after a restart; who finds the queue full tries again a second later.
    server.listen({ port, host, backlog: 4_096 }, () => {
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
  const sockets = new Set<SocketLink>();
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

  const turnAway = (stream: Duplex, status: 400 | 429 | 503): void => {
    log({ event: 'turned-away', status });
    const after = status === 400 ? '' : `retry-after: ${Math.ceil(limits.comeBackMs / 1_000)}\r\n`;
    reject(stream, `${status} ${STATUS_CODES[status]}`, after);
  };
  /** On its own, so that what lives as long as the connection does not hold the request. */
  const accept = (socket: WebSocket, stream: Duplex, address: string): void => {
    const open = new SocketLink(socket, stream, limits, () => {
      sockets.delete(open);
      log({ event: 'disconnected', connection: events.number, connections: core.connections });
      if (isClosed && sockets.size === 0) allGone();
    });
    sockets.add(open);
    const events = core.connect(open, address);
    open.events = events;
    log({ event: 'connected', connection: events.number, connections: core.connections });
  };
  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const isFull = isClosed || core.connections >= limits.connections;
    if (isFull || !asksForProtocol(request)) {
      turnAway(stream, isFull ? 503 : 400);
      return;
    }
    const address = addressOf(request);
    if (!core.admits(address)) {
      turnAway(stream, 429);
      return;
    }
    upgrades.handleUpgrade(request, stream, head, (socket) => accept(socket, stream, address));
  };
  server.on('upgrade', upgrade);

  let allGone = (): void => {};
  let callOff = (): void => {};
  const reap = (): void => {
    for (const socket of sockets) socket.probe();
    core.endIdle();
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

const reject = (stream: Duplex, status: string, header: string): void => {
  stream.on('error', () => {});
  stream.end(`HTTP/1.1 ${status}\r\n${header}connection: close\r\ncontent-length: 0\r\n\r\n`);
};
