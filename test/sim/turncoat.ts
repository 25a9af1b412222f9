// The life of a member who turns: at first a device like the others, then an attacker with all its keys.
import { readKeys } from '@sealwire/core/testing';
import { toHex } from '@sealwire/protocol';
import { createAccomplice } from './accomplice.ts';
import { ATTACKS, type AttackKind, attackOf, wordsOf } from './attacks.ts';
import type { SimDevice } from './device.ts';
import { createMember, type Member, type Sent } from './member.ts';
import type { Stage } from './stage.ts';

export interface Turncoat {
  /** Frames of attacks, by what was attempted. */
  readonly frames: ReadonlyMap<AttackKind, readonly (readonly Sent[])[]>;
  /** It was logged out, and all know: it goes on all the same. */
  ended(): void;
  isOver(): boolean;
  /** Says nothing more. */
  stop(): void;
}

const BEYOND: AttackKind = 'speaks after it was logged out';
/** Among people alone is there anybody whose words are not one's own account's. */
const AMONG_OTHERS: AttackKind = "deletes another's words";
const KINDS = (Object.keys(ATTACKS) as AttackKind[]).filter((kind) => kind !== BEYOND);

/** Takes a device out of the honest ones' row; it attacks until it is stopped. */
export const turn = (stage: Stage, device: SimDevice, devices = stage.devices): Turncoat => {
  const { world, ledger, wiretap, network, story } = stage;
  const isNeighbour = devices !== stage.devices;
  const frames = new Map<AttackKind, (readonly Sent[])[]>();
  let member: Member | undefined;
  let stopped = false;
  let isOver = false;
  devices.splice(devices.indexOf(device), 1);
  device.retire();
  device.close();
  world.note(device.name, 'turns against the others');

  const begin = async (): Promise<void> => {
    ledger.restored(device.id, 0);
    const keys = await readKeys(device.disk.storage);
    if (stopped) return;
    member = createMember({ world, network, wiretap, name: device.name, keys });
    member.connect();
    const { keyFor, dice } = member;
    const words = () => wordsOf(ledger.newText('nobody'), world.now());
    stage.liar.conspire(createAccomplice({ keyFor, words, randomBytes: dice.bytes }));
    world.after(1_000, () => void attack());
  };

  const choose = (): AttackKind => {
    if (isOver) return BEYOND;
    return isNeighbour && story.chance(0.25) ? AMONG_OTHERS : story.pick(KINDS);
  };

  const attack = async (): Promise<void> => {
    if (stopped || !member) return;
    const kind = choose();
    // What a neighbour does in their own rooms concerns nobody else.
    const rooms = member
      .rooms()
      .filter(({ kind: of, logId }) => !isNeighbour || (of !== 'account' && isShared(logId)));
    if (rooms.length === 0) return void world.after(5_000, () => void attack());
    const room = story.pick(rooms);
    const sent = await attackOf(kind).run({
      member,
      room,
      now: world.now(),
      allowed: ({ logId }) => {
        const text = ledger.newText(device.name);
        ledger.say(text, toHex(logId), device.id);
        return text;
      },
      forbidden: () => ledger.newText('nobody'),
    });
    if (sent.length > 0) {
      frames.set(kind, [...(frames.get(kind) ?? []), sent]);
      world.count(`attack: ${kind}`);
      world.note(device.name, kind);
    }
    world.after(story.between(200, 6_000), () => void attack());
  };

  const isShared = (logId: Uint8Array): boolean =>
    (ledger.chatOf(toHex(logId))?.places.get(stage.phone.account)?.since ?? 1) === 0;

  const whenClosed = (): void => {
    if (device.life === 'off') void begin();
    else world.after(100, whenClosed);
  };
  whenClosed();
  return {
    frames,
    ended() {
      isOver = true;
    },
    isOver: () => isOver,
    stop() {
      stopped = true;
      member?.leave();
    },
  };
};
