// The relay's voice, bent: every message to and from a device passes through the lies that are being told.
import {
  decodeClientMessage,
  encodeClientMessage,
  encodeRelayMessage,
  fromHex,
  type RelayMessage,
  toHex,
} from '@sealwire/protocol';
import type { Accomplice } from './accomplice.ts';
import { type Lie, type LieKind, type LieWorld, lieType } from './lies.ts';
import type { Connection, Network } from './network.ts';
import type { RelayHost } from './relay.ts';
import type { Wiretap } from './wiretap.ts';
import type { World } from './world.ts';

/** Requests of the liar's own, above all that a device may reach in a run. */
const OWN_REQUESTS = 1_000_000_000;

export const createLiar = (parts: {
  readonly world: World;
  readonly relay: RelayHost;
  readonly wiretap: Wiretap;
  readonly network: () => Network;
  readonly names: () => readonly string[];
}) => {
  const { world, relay, wiretap } = parts;
  const dice = world.dice('lies');
  const told = new Map<LieKind, number>();
  const cursors = new Map<string, readonly { readonly room: string; readonly cursor: number }[]>();
  let active: Lie[] = [];
  let requests = OWN_REQUESTS;
  const injected = new Map<LieKind, Uint8Array[]>();
  let speaking: LieKind | undefined;
  let accomplice: Accomplice | undefined;

  const telling = (): readonly Lie[] => active;
  const start = (lie: Lie): void => {
    active.push(lie);
    world.after(dice.between(2_000, 60_000), () => {
      if (!active.includes(lie)) return;
      active = active.filter((other) => other !== lie);
      lie.over?.();
    });
  };
  const tell = (kind: LieKind): void => {
    told.set(kind, (told.get(kind) ?? 0) + 1);
    world.count(`lie: ${kind}`);
    world.note('lie', kind);
  };

  const bendFrames = (reader: string, message: Extract<RelayMessage, { type: 'frames' }>) => {
    const room = toHex(message.room);
    let { frames } = message;
    for (const { kind, bend } of telling()) {
      if (!bend) continue;
      const bent = bend(reader, room, frames);
      if (bent.length === frames.length && bent.every((item, i) => isSame(item, frames[i]!))) continue;
      frames = bent;
      tell(kind);
    }
    return frames.length === 0 ? undefined : { ...message, frames };
  };

  const bendHeads = (reader: string, message: Extract<RelayMessage, { type: 'resumed' }>) => {
    const asked = cursors.get(`${reader}/${message.request}`) ?? [];
    const news = new Map(message.news.map(({ index, head }) => [index, head]));
    const refused = new Set(message.refused.map(({ index }) => index));
    for (const { kind, head } of telling())
      for (const [index, { cursor }] of asked.entries()) {
        const bent = refused.has(index) ? undefined : head?.(reader, news.get(index) ?? cursor, cursor);
        if (bent === undefined) continue;
        news.set(index, bent);
        tell(kind);
      }
    return {
      ...message,
      news: [...news].map(([index, head]) => ({ index, head })).sort((a, b) => a.index - b.index),
    };
  };

  const bend = (reader: string, message: RelayMessage): RelayMessage | undefined => {
    if ('request' in message && message.request >= OWN_REQUESTS) return undefined;
    const isOfRooms = message.type === 'frames' || message.type === 'appended' || message.type === 'resumed';
    const mute = isOfRooms && telling().find(({ isMute }) => isMute?.(reader));
    if (mute) {
      tell(mute.kind);
      return undefined;
    }
    if (message.type === 'frames') return bendFrames(reader, message);
    if (message.type === 'resumed') return bendHeads(reader, message);
    return message;
  };

  return {
    told: told as ReadonlyMap<LieKind, number>,
    /** Frames that the relay put in by itself, by the lie that they are. */
    injected: injected as ReadonlyMap<LieKind, readonly Uint8Array[]>,
    /** From now on a member who turned helps the relay. */
    conspire(helper: Accomplice): void {
      accomplice = helper;
    },
    /** Starts a lie of this kind, for a while. */
    begin(kind: LieKind): void {
      const network = parts.network();
      const sim: LieWorld = { world, dice, relay, wiretap, network, names: parts.names, accomplice, append };
      speaking = kind;
      const begun = lieType(kind).begin(sim);
      if (begun === undefined) return;
      world.note('liar', kind);
      if (begun === 'done') tell(kind);
      else start({ ...begun, kind });
    },
    /** From now on the relay is honest. Connections that heard a lie end, so that devices ask anew. */
    stop(): void {
      active = [];
      for (const connection of parts.network().connections()) connection.cut();
    },
    up(
      { name }: Connection,
      bytes: Uint8Array,
    ): { readonly heard: readonly Uint8Array[]; readonly answer?: Uint8Array } {
      const message = decodeClientMessage(bytes);
      if (message.type === 'resume')
        cursors.set(
          `${name}/${message.request}`,
          message.rooms.map(({ room, cursor }) => ({ room: toHex(room), cursor })),
        );
      const thief = message.type === 'append' && telling().find(({ swallows }) => swallows?.(name));
      if (!thief || message.type !== 'append') return { heard: [bytes] };
      tell(thief.kind);
      wiretap.swallowed(name);
      const { request } = message;
      const position = relay.head(message.room) + 1;
      return { heard: [], answer: encodeRelayMessage({ type: 'appended', request, position }) };
    },
    down(
      { name }: Connection,
      bytes: Uint8Array,
    ): readonly { readonly bytes: Uint8Array; readonly lateMs: number }[] {
      const message = bend(name, wiretap.down(name, bytes));
      if (!message) return [];
      const lies = telling();
      const late = lies.find(({ lateMs }) => (lateMs?.(name) ?? 0) > 0);
      const lateMs = late?.lateMs?.(name) ?? 0;
      if (late) tell(late.kind);
      const sent = { bytes: encodeRelayMessage(message), lateMs };
      const double = message.type === 'frames' && lies.find(({ twice }) => twice?.(name));
      if (double) tell(double.kind);
      return double ? [sent, { ...sent, lateMs: 0 }] : [sent];
    },
  };

  function append(room: string, stream: string, frame: Uint8Array): boolean {
    const open = parts
      .network()
      .connections()
      .filter(({ isOpen }) => isOpen);
    if (open.length === 0) return false;
    const request = requests++;
    if (speaking) injected.set(speaking, [...(injected.get(speaking) ?? []), frame]);
    const speaker = dice.pick(open);
    speaker.speak(encodeClientMessage({ type: 'append', request, room: fromHex(room), stream, frame }));
    return true;
  }
};

export type Liar = ReturnType<typeof createLiar>;

const isSame = (
  a: { readonly position: number; readonly frame: Uint8Array; readonly stream: string },
  b: typeof a,
): boolean => a.position === b.position && a.frame === b.frame && a.stream === b.stream;
