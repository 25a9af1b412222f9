// The edge of sync: one real WebSocket to the relay, one timer, the clock. Every decision is session.ts's.
import {
  authenticateStatement,
  type ClientMessage,
  compareBytes,
  decodeRelayMessage,
  encodeClientMessage,
  principalStatement,
  type RelayMessage,
  readComeBack,
  SealwireError,
  SUBPROTOCOL,
  sameBytes,
  toHex,
} from '@sealwire/protocol';
import { signEd25519 } from '#native';
import type { Connection } from '../api.ts';
import type { ReadStream } from '../room/ahead.ts';
import type { Followed } from '../room/aside-room.ts';
import { type Edge, PLATFORM_EDGE, type RelaySocket } from './edge.ts';
import {
  createSession,
  SESSION_TIMES,
  type SessionEffect,
  type SessionEvent,
  type SessionTimes,
} from './session.ts';

export interface EngineOptions {
  /** `ws://` or `wss://`. */
  readonly url: string;
  /** Ed25519 seed and public key that sign in at the relay. */
  readonly relaySeed: Uint8Array;
  readonly relayKey: Uint8Array;
  /** The account at the relay; undefined before this device belongs to one. */
  readonly principal?: {
    readonly id: Uint8Array;
    /** Present on devices that may edit the list of devices. */
    readonly manage?: {
      readonly seed: Uint8Array;
      readonly key: Uint8Array;
      /** The relay keys that the account's devices sign in with, as they are now. */
      readonly relayKeys: () => readonly Uint8Array[];
      /** The version that this device wrote last with exactly these keys, 0 if none. */
      readonly writtenVersion: () => number;
      /** The relay has this list under this version: it may not be the one that is wanted by now. */
      readonly written: (version: number, relayKeys: readonly Uint8Array[]) => void;
      /** Notes for keys that this edit may take out, each for one key; see spec/relay-protocol.md §6. */
      readonly farewells?: () => readonly { readonly relayKey: Uint8Array; readonly note: Uint8Array }[];
    };
  };
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onConnection: (connection: Connection) => void;
  readonly onProblem: (error: SealwireError, room: string | undefined) => void;
  /** The relay lists this device no more and holds a note for it; nothing in it is checked yet. */
  readonly onFarewell?: (note: Uint8Array) => void;
  /** Whether this device may make a room that the relay does not have. Default: any. */
  readonly mayMake?: (room: string) => boolean;
  /** A room's head at the relay became known: there is something to load. */
  readonly onNews?: (room: string, head: number) => void;
  /** Sees every message that crosses the socket, for tests and figures; what it returns goes in its place. */
  readonly onTraffic?: (direction: 'up' | 'down', bytes: Uint8Array) => Uint8Array | undefined;
  readonly times?: Partial<SessionTimes>;
  /** Default: the platform's socket, clock and timer. */
  readonly edge?: Edge;
}

/** A device that logs itself out waits this long for the relay to take it off its list. */
const GONE_WITHIN_MS = 5_000;

/** Messages of rendezvous cells, which the session does not follow. */
export type RendezvousMessage = Extract<RelayMessage, { type: `rendezvous-${string}` | 'refused' }>;

/** What comes into the inbox of this device's principal, which the session does not follow either. */
export type InboxEvent = Extract<RelayMessage, { type: 'inbox' | 'inbox-news' }>;

export const createEngine = (options: EngineOptions) => {
  const rooms = new Map<string, Followed>();
  const requests = new Map<
    number,
    { resolve(message: RelayMessage): void; reject(error: SealwireError): void }
  >();
  const rendezvousListeners = new Set<(message: RelayMessage | { readonly type: 'lost' }) => void>();
  const inboxListeners = new Set<(event: InboxEvent) => void>();
  const connectionListeners = new Set<(connection: Connection) => void>();
  const { principal } = options;
  const session = createSession({
    times: { ...SESSION_TIMES, ...options.times },
    cursor: (room) => rooms.get(room)?.cursor() ?? 0,
    principal: principal?.id,
    ...(options.mayMake && { mayMake: options.mayMake }),
    mayManage: principal?.manage !== undefined,
  });
  const edge = options.edge ?? PLATFORM_EDGE;
  let socket: RelaySocket | undefined;
  let cancelTimer: (() => void) | undefined;
  let relayId: Uint8Array | undefined;
  /** Where the relay sent this device when it stopped, for the next attempt alone. */
  let successor: string | undefined;
  let principalVersion = 0;
  let [isElsewhere, online, closed] = [false, false, false];
  const onlineWaiters = new Set<() => void>();
  const writtenWaiters = new Set<() => void>();
  /** The list of devices that the relay was last given; one edit is on its way at a time. */
  let sentKeys: readonly Uint8Array[] = [];

  const handle = (event: SessionEvent): void => {
    for (const effect of session.handle(event, edge.monotonicMs())) perform(effect);
    cancelTimer?.();
    const at = session.nextWake();
    if (at === undefined || closed) return;
    cancelTimer = edge.after(Math.max(at - edge.monotonicMs(), 0), () => handle({ type: 'time' }));
  };

  const transmit = (message: ClientMessage): void => {
    if (socket?.readyState !== 1) return; // The close event is on its way; the session starts anew after it.
    const encoded = encodeClientMessage(message);
    const bytes = options.onTraffic?.('up', encoded) ?? encoded;
    socket.send(bytes);
  };

  const perform = (effect: SessionEffect): void => {
    const room = 'room' in effect && effect.room !== undefined ? rooms.get(effect.room) : undefined;
    const performers: {
      readonly [T in SessionEffect['type']]: (of: Extract<SessionEffect, { type: T }>) => unknown;
    } = {
      connect: openSocket,
      disconnect: closeSocket,
      send: ({ message }) => transmit(message),
      connection: ({ connection }) => setConnection(connection),
      'sign-in': ({ relayId: id, nonce }) => signIn(id, nonce),
      'put-principal': ({ request, version, isBehind }) => {
        if (isBehind) principalVersion += 1;
        putPrincipal(request, version);
      },
      farewell: ({ note }) => options.onFarewell?.(note),
      'principal-written': ({ version }) => {
        principalVersion = version;
        principal?.manage?.written(version, sentKeys);
        for (const waiter of [...writtenWaiters]) waiter();
      },
      news: ({ room: key, head }) => {
        options.onNews?.(key, head);
        if (room) void room.news?.(head, reading(room));
      },
      problem: ({ error, room: key }) => {
        if (room?.isAside) return;
        if (error.code === 'NOT_A_MEMBER' || error.code === 'ROOM_DELETED') room?.refused();
        options.onProblem(error, key);
      },
      'append-again': () => room?.resend(),
      deliver: ({ frames }) => room?.receive(frames),
      'go-back': ({ head }) => room?.goBack(head).then(() => handle({ type: 'went-back', room: room.id })),
      live: () => room?.goLive(),
      down: () => room?.goDown(),
      appended: ({ position, frame, isInOrder }) => room?.appended(position, frame, isInOrder),
    };
    (performers[effect.type] as (of: SessionEffect) => unknown)(effect);
  };

  const ask = (build: (request: number) => ClientMessage): Promise<RelayMessage> =>
    new Promise((resolve, reject) => {
      if (socket?.readyState !== 1) {
        reject(new SealwireError('RELAY_UNREACHABLE', 'There is no connection to the relay.'));
        return;
      }
      const request = session.nextRequest();
      requests.set(request, { resolve, reject });
      transmit(build(request));
    });

  /** Reads streams of a room beside what is delivered of it. */
  const reading =
    ({ id }: Followed): ReadStream =>
    async (stream, after, maxBytes) => {
      const answer = await ask((request) => ({ type: 'read', request, room: id, stream, after, maxBytes }));
      if (answer.type !== 'read-result')
        throw new SealwireError('UNEXPECTED_MESSAGE', 'A read was answered by something else.');
      return answer;
    };

  const setConnection = (connection: Connection): void => {
    online = connection === 'online';
    options.onConnection(connection);
    if (online) for (const waiter of onlineWaiters) waiter();
    for (const listener of connectionListeners) listener(connection);
  };

  const openSocket = (): void => {
    isElsewhere = successor !== undefined;
    const opened = edge.openSocket(successor ?? options.url, SUBPROTOCOL);
    successor = undefined;
    socket = opened;
    opened.binaryType = 'arraybuffer';
    opened.onopen = () => {
      if (socket === opened) handle({ type: 'opened' });
    };
    opened.onmessage = ({ data }) => {
      if (socket === opened) receive(data);
    };
    opened.onerror = () => undefined; // A close event follows and says all there is to say.
    opened.onclose = (event) => {
      if (socket !== opened) return;
      forget();
      const { afterMs, at } = readComeBack(event?.reason ?? '');
      // Never from TLS to none, whoever asks for it.
      if (at?.startsWith('wss:') || !options.url.startsWith('wss:')) successor = at;
      sayClosed(afterMs);
    };
  };

  const receive = (data: unknown): void => {
    if (!(data instanceof ArrayBuffer)) {
      closeSocket();
      return;
    }
    const received = new Uint8Array(data);
    const bytes = options.onTraffic?.('down', received) ?? received;
    let message: RelayMessage;
    try {
      message = decodeRelayMessage(bytes);
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      options.onProblem(error, undefined);
      closeSocket();
      return;
    }
    if (message.type === 'hello') {
      // The relay named another with the same store; one of another name would be taken for an empty relay.
      if (isElsewhere && relayId && !sameBytes(relayId, message.relayId)) {
        closeSocket();
        return;
      }
      relayId = message.relayId;
    }
    if ('request' in message && requests.has(message.request)) {
      const waiter = requests.get(message.request)!;
      requests.delete(message.request);
      if (message.type === 'refused')
        waiter.reject(new SealwireError(message.code, 'The relay refused a request.'));
      else waiter.resolve(message);
      return;
    }
    if (message.type.startsWith('rendezvous-')) for (const listener of rendezvousListeners) listener(message);
    if (message.type === 'inbox' || message.type === 'inbox-news')
      for (const listener of inboxListeners) listener(message);
    if (message.type === 'signal') rooms.get(toHex(message.room))?.signalled(message.payload);
    handle({ type: 'message', message });
  };

  /** The connection is over: whoever waits on it is told. */
  const forget = (): void => {
    socket = undefined;
    for (const { reject } of requests.values())
      reject(new SealwireError('RELAY_UNREACHABLE', 'The connection to the relay ended.'));
    requests.clear();
    for (const listener of rendezvousListeners) listener({ type: 'lost' });
  };

  const sayClosed = (afterMs?: number): void => {
    const [random] = options.randomBytes(1);
    handle({ type: 'closed', random: random! / 255, afterMs });
  };

  /** Closes at once and does not wait for the other side, which may never answer. */
  const closeSocket = (): void => {
    const open = socket;
    if (!open) return;
    forget();
    open.close();
    // Not from within an effect; and if another connection was asked for by then, that one is meant no more.
    queueMicrotask(() => {
      if (!socket) sayClosed();
    });
  };

  const signIn = (id: Uint8Array, nonce: Uint8Array): void => {
    const { relayKey, relaySeed } = options;
    const signature = signEd25519(relaySeed, authenticateStatement({ relayId: id, nonce, relayKey }));
    transmit({ type: 'authenticate', relayKey, signature });
  };

  const putPrincipal = (request: number, version: number): void => {
    const manage = principal?.manage;
    if (!manage) return;
    if (version >= 0) principalVersion = version;
    if (version > 0 && manage.writtenVersion() === version) {
      // The list at the relay is the one that we wrote last: nothing to say.
      sentKeys = manage.relayKeys();
      handle({ type: 'message', message: { type: 'done', request, version } });
      return;
    }
    const relayKeys = [...manage.relayKeys()].sort(compareBytes);
    sentKeys = relayKeys;
    const next = principalVersion + 1;
    const listed = new Set(relayKeys.map(toHex));
    const farewells = [...(manage.farewells?.() ?? [])]
      .filter(({ relayKey }) => !listed.has(toHex(relayKey)))
      .sort((a, b) => compareBytes(a.relayKey, b.relayKey));
    const statement = principalStatement({ principal: principal.id, version: next, relayKeys, farewells });
    transmit({
      type: 'put-principal',
      request,
      manageKey: manage.key,
      version: next,
      relayKeys,
      farewells,
      signature: signEd25519(manage.seed, statement),
    });
  };

  return {
    /** The relay's own id, once it said hello. */
    relayId: () => relayId,
    setNetwork(on: boolean): void {
      if (!closed) handle({ type: 'network', on });
    },
    follow(room: Followed): void {
      rooms.set(room.key, room);
      handle({ type: 'room', room: room.id });
    },
    unfollow({ id, key }: Pick<Followed, 'id' | 'key'>): void {
      rooms.delete(key);
      handle({ type: 'room-left', room: id });
    },
    /** The room's cursor has gone back: reads it again from there. */
    refetch: (room: Uint8Array) => handle({ type: 'went-back', room }),
    append: (room: Uint8Array, stream: string, frame: Uint8Array) =>
      handle({ type: 'append', room, stream, frame }),
    /** The account's list of devices has changed: tell the relay. */
    principalChanged: () => handle({ type: 'principal' }),
    /** Resolves when the relay has the account's list of devices as it is now, however often it must be sent. */
    whenPrincipalWritten: (): Promise<void> =>
      new Promise((resolve) => {
        const look = () => {
          const version = principal?.manage?.writtenVersion() ?? 0;
          if (version === 0 || version !== principalVersion) return;
          writtenWaiters.delete(look);
          resolve();
        };
        writtenWaiters.add(look);
        look();
      }),
    /** Resolves as soon as the relay has let this device in. */
    whenOnline: (): Promise<void> =>
      online
        ? Promise.resolve()
        : new Promise((resolve) => {
            const waiter = () => {
              onlineWaiters.delete(waiter);
              resolve();
            };
            onlineWaiters.add(waiter);
          }),
    /**
     * Sends a message of its own and resolves with its answer.
     * @throws SealwireError as refused by the relay; RELAY_UNREACHABLE without a connection, or when it ends first.
     */
    request: ask,
    transmit,
    onInbox(listener: (event: InboxEvent) => void): () => void {
      inboxListeners.add(listener);
      return () => inboxListeners.delete(listener);
    },
    onConnection(listener: (connection: Connection) => void): () => void {
      connectionListeners.add(listener);
      return () => connectionListeners.delete(listener);
    },
    onRendezvous(listener: (message: RelayMessage | { readonly type: 'lost' }) => void): () => void {
      rendezvousListeners.add(listener);
      return () => rendezvousListeners.delete(listener);
    },
    /** Tells the relay that this device is gone, if it can be told now: resolves when that is done or hopeless. */
    sayGone: (): Promise<void> =>
      new Promise((resolve) => {
        if (!online) {
          resolve();
          return;
        }
        const cancel = edge.after(GONE_WITHIN_MS, resolve);
        const done = (): void => {
          cancel();
          writtenWaiters.delete(done);
          connectionListeners.delete(done);
          resolve();
        };
        writtenWaiters.add(done);
        connectionListeners.add(done);
        handle({ type: 'principal' });
      }),
    close(): void {
      closed = true;
      handle({ type: 'network', on: false });
      cancelTimer?.();
    },
  };
};

export type Engine = ReturnType<typeof createEngine>;
