// A member who turned: a linked device with every key, no scruples, and its own way to the relay.
// What must come of each attack: attacks.ts.

import {
  type Body,
  type ChainAddress,
  chainNext,
  chainStart,
  chainStatement,
  decodeBody,
  decodeEntries,
  deriveClientId,
  deviceIdOf,
  devicePublic,
  type EpochEntry,
  encodeBody,
  encodeSigned,
  epochTagOf,
  KIND,
  type KnownRoom,
  openFrame,
  type RelaySocket,
  type readKeys,
  type SignedEntry,
  sealFrame,
  signEd25519,
  streamKey,
} from '@sealwire/core/testing';
import {
  authenticateStatement,
  CONTROL_STREAM,
  decodeRelayMessage,
  encodeClientMessage,
  pageStream,
  toHex,
} from '@sealwire/protocol';
import type { Network } from './network.ts';
import type { Wiretap } from './wiretap.ts';
import type { Dice, World } from './world.ts';

export interface MemberWorld {
  readonly world: World;
  readonly network: Network;
  readonly wiretap: Wiretap;
  readonly name: string;
  readonly keys: Awaited<ReturnType<typeof readKeys>>;
}

/** The key of a frame in a chat, by the room's id in hexadecimal; undefined if the member does not hold it. */
export type KeyFinder = (
  room: string,
  stream: string,
  frame: Uint8Array,
) => ReturnType<typeof streamKey> | undefined;

/** A chain as its frames tell it. */
export interface HeardChain {
  readonly room: KnownRoom;
  readonly stream: string;
  readonly address: ChainAddress;
  readonly nonce: Uint8Array;
  last: number;
  hash: Uint8Array;
  /** Entries so far, counted as one each. */
  clock: number;
}

export interface Crafted {
  readonly chain: HeardChain;
  readonly payload: Uint8Array;
  readonly kind?: number;
  /** Default: the next one of the device that signs. */
  readonly counter?: number;
  readonly previous?: number;
  readonly hash?: Uint8Array;
  readonly seen?: readonly { readonly deviceTag: Uint8Array; readonly counter: number }[];
  /** Default: this member's. */
  readonly seed?: Uint8Array;
  /** Bytes in place of a body. */
  readonly raw?: Uint8Array;
  /** How many entries the chain moves by; without it, the chain does not move. */
  readonly moves?: number;
}

interface Appended {
  readonly room: Uint8Array;
  readonly stream: string;
  readonly frame: Uint8Array;
}

/** A frame that left, and what is in it. */
export interface Sent {
  readonly frame: Uint8Array;
  readonly body: Uint8Array;
}

export const createMember = ({ world, network, wiretap, name, keys }: MemberWorld) => {
  const dice: Dice = world.dice(`member ${name}`);
  const { secrets } = keys.self;
  const own: { readonly identity: Uint8Array; readonly relay: Uint8Array; readonly hpke: Uint8Array } =
    devicePublic(secrets);
  const ownId = deviceIdOf(own.identity);
  /** By room: the highest counter that this device has used. */
  const counters = new Map<string, number>();
  const chains = new Map<string, HeardChain>();
  /** What the relay has not acknowledged, oldest first; by request, once it was sent on the connection that is open. */
  let waiting: Appended[] = [];
  const asked = new Map<number, Appended>();
  let socket: RelaySocket | undefined;
  let ready = false;
  let requests = 1;

  const send = (message: Parameters<typeof encodeClientMessage>[0]): void =>
    socket?.send(encodeClientMessage(message));

  const sendOne = (item: Appended): void => {
    if (!ready || !waiting.includes(item)) return;
    asked.set(requests, item);
    send({ type: 'append', request: requests++, ...item });
  };
  const answered = (request: number, isRefused: boolean): void => {
    const item = asked.get(request);
    if (!item) return;
    asked.delete(request);
    // Refused for the moment, as by a full disk: a frame that were left out would make a gap that nobody meant.
    if (isRefused) world.after(3_000, () => sendOne(item));
    else waiting = waiting.filter((other) => other !== item);
  };

  const connect = (): void => {
    const opened = network.openSocket({ name, isReachable: () => true });
    socket = opened;
    opened.onmessage = ({ data }) => {
      const message = decodeRelayMessage(new Uint8Array(data as ArrayBuffer));
      if (message.type === 'hello') {
        const { relayId, nonce } = message;
        const statement = authenticateStatement({ relayId, nonce, relayKey: own.relay });
        send({ type: 'authenticate', relayKey: own.relay, signature: signEd25519(secrets.relay, statement) });
      } else if (message.type === 'welcome') {
        ready = true;
        for (const item of [...waiting]) sendOne(item);
      } else if (message.type === 'appended') answered(message.request, false);
      else if (message.type === 'refused') answered(message.request, true);
    };
    opened.onclose = () => {
      ready = false;
      asked.clear();
      if (socket === opened) world.after(2_000, connect);
    };
  };

  const keysOf = (room: KnownRoom, stream: string) =>
    (stream === CONTROL_STREAM ? [room.secret] : room.epochKeys).map((key) =>
      streamKey(key, room.id, stream, room.logId),
    );
  /** The epoch that others wrote under last, so that all who read them read this member; else its newest. */
  const keyOf = (room: KnownRoom, stream: string) => {
    const keys = keysOf(room, stream);
    const used = lastTag(room, stream);
    return keys.find((key) => toHex(key.tag) === used) ?? keys.at(-1)!;
  };
  const lastTag = (room: KnownRoom, stream: string): string | undefined => {
    const last = [...wiretap.frames.values()].findLast(
      (known) => known.room === toHex(room.id) && known.stream === stream && known.author !== name,
    );
    return last && toHex(epochTagOf(last.frame));
  };

  const keyFor: KeyFinder = (name, stream, frame) => {
    const room = keys.rooms.find(({ id, kind }) => kind === 'chat' && toHex(id) === name);
    const tag = toHex(epochTagOf(frame));
    return room && keysOf(room, stream).find((key) => toHex(key.tag) === tag);
  };

  /** Every body of a room that crossed the wire, oldest first. */
  const heard = (room: KnownRoom): { readonly stream: string; readonly body: Body }[] => {
    const hex = toHex(room.id);
    return [...wiretap.frames.values()].flatMap((known) => {
      if (known.room !== hex || known.durableAt === undefined) return [];
      const { stream } = known;
      const key = keysOf(room, stream).find(({ tag }) => toHex(tag) === toHex(epochTagOf(known.frame)));
      try {
        return key ? [{ stream, body: decodeBody(openFrame(key, known.frame)) }] : [];
      } catch {
        return []; // Something else that does not open: another member's attack.
      }
    });
  };

  return {
    dice,
    ownId,
    own,
    account: keys.self.log,
    keyFor,
    /** Those in which it can write under the epoch that others write under. */
    rooms: () =>
      keys.rooms.filter((room) => {
        const used = lastTag(room, pageStream(0));
        return keysOf(room, pageStream(0)).some(({ tag }) => toHex(tag) === used);
      }),
    sign: (message: Uint8Array) => signEd25519(secrets.identity, message),
    connect,
    /** Goes as soon as the relay has all that was said. */
    leave(): void {
      if (waiting.length > 0) {
        world.after(1_000, () => this.leave());
        return;
      }
      const open = socket;
      socket = undefined;
      ready = false;
      open?.close();
    },
    /** Another device's newest chain in a room, as far as its frames tell. */
    victim(
      room: KnownRoom,
      stream: string,
      which: (deviceId: string) => boolean = () => true,
    ): HeardChain | undefined {
      const found = new Map<number, HeardChain>();
      for (const { stream: of, body } of heard(room)) {
        if (of !== stream) continue;
        let chain = found.get(body.clientId);
        const opener = body.opening && toHex(body.opening.deviceId);
        if (!chain && body.opening && opener && opener !== toHex(ownId) && which(opener)) {
          const { deviceId, nonce } = body.opening;
          const address = { logId: room.logId, stream, deviceId, clientId: body.clientId };
          chain = { room, stream, address, nonce, last: 0, hash: chainStart(address), clock: 0 };
          found.set(body.clientId, chain);
        }
        if (!chain || chain.last !== body.previous) continue;
        chain.hash = chainNext(chain.hash, body.signed);
        chain.last = body.counter;
        chain.clock += 1;
      }
      return [...found.values()].at(-1);
    },
    /** Devices of other accounts, as far as a room's log shows them; ids in hexadecimal. */
    strangers(room: KnownRoom): ReadonlySet<string> {
      const { root } = keys.self.log;
      const added = heard(room)
        .filter(({ body }) => body.kind === KIND.control)
        .flatMap(({ body }) => entriesOf(body.payload));
      return new Set(
        added.flatMap(({ entry, hash }) => {
          if (entry.type !== 'device-genesis' && entry.type !== 'device-add') return [];
          const account = entry.type === 'device-add' ? entry.account : hash;
          return toHex(account) === toHex(root) ? [] : [toHex(deviceIdOf(entry.device.identity))];
        }),
      );
    },
    /** The epoch of the highest number that was ever announced in a room. */
    newestEpoch(room: KnownRoom): SignedEntry<EpochEntry> | undefined {
      const epochs = heard(room)
        .filter(({ body }) => body.kind === KIND.control)
        .flatMap(({ body }) => entriesOf(body.payload))
        .filter((signed): signed is SignedEntry<EpochEntry> => signed.entry.type === 'epoch');
      return epochs.sort((x, y) => y.entry.index - x.entry.index)[0];
    },
    /** This member's own chain on a stream, begun when first asked for. */
    chain(room: KnownRoom, stream: string): HeardChain {
      const key = `${toHex(room.id)}/${stream}`;
      let chain = chains.get(key);
      if (!chain) {
        const nonce = dice.bytes(16);
        const clientId = deriveClientId(own.identity, room.logId, stream, nonce);
        chain = this.invented(room, stream, ownId, clientId, nonce);
        chains.set(key, chain);
      }
      return chain;
    },
    /** From now on speaks there under another clientID. */
    abandon({ room, stream }: HeardChain): void {
      chains.delete(`${toHex(room.id)}/${stream}`);
    },
    /** A chain out of thin air. */
    invented(
      room: KnownRoom,
      stream: string,
      deviceId: Uint8Array,
      clientId: number,
      nonce: Uint8Array,
    ): HeardChain {
      const address = { logId: room.logId, stream, deviceId, clientId };
      return { room, stream, address, nonce, last: 0, hash: chainStart(address), clock: 0 };
    },
    /** Signs, seals and sends one frame. */
    send(crafted: Crafted): Sent {
      const { chain, payload, kind = KIND.updates, previous = chain.last, seen = [] } = crafted;
      const { room, stream, address } = chain;
      const counter = crafted.counter ?? this.nextCounter(room);
      const signed = encodeSigned(
        {
          kind,
          clientId: address.clientId,
          counter,
          previous,
          ...(previous === 0 && { opening: { deviceId: address.deviceId, nonce: chain.nonce } }),
          seen,
          heads: [],
          payload,
        },
        false,
      );
      const hash = chainNext(crafted.hash ?? chain.hash, signed);
      const signature = signEd25519(crafted.seed ?? secrets.identity, chainStatement(address, counter, hash));
      const body = crafted.raw ?? encodeBody(signed, signature);
      const frame = sealFrame(keyOf(room, stream), body, (length) => dice.bytes(length));
      const item = { room: room.id, stream, frame };
      waiting.push(item);
      if (crafted.moves !== undefined) {
        chain.hash = hash;
        chain.last = counter;
        chain.clock += crafted.moves;
      }
      sendOne(item);
      return { frame, body };
    },
    nextCounter(room: KnownRoom): number {
      const hex = toHex(room.id);
      let top = counters.get(hex);
      if (top === undefined) {
        top = 0;
        const mine = new Set<number>();
        for (const { body } of heard(room)) {
          if (body.opening && toHex(body.opening.deviceId) === toHex(ownId)) mine.add(body.clientId);
          if (mine.has(body.clientId)) top = Math.max(top, body.counter);
        }
      }
      counters.set(hex, top + 1);
      return top + 1;
    },
  };
};

/** Log entries of a control frame; none if it is no such thing. */
const entriesOf = (payload: Uint8Array): SignedEntry[] => {
  try {
    return decodeEntries(payload).filter((entry): entry is SignedEntry => !(entry instanceof Error));
  } catch {
    return []; // An attack of before.
  }
};

export type Member = ReturnType<typeof createMember>;
