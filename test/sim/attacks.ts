// What a member who turned tries, one kind each, and the codes of which some device must report one.
// Rules attacked: spec/frame.md §4 to §8, spec/log-document.md §1.

import {
  createEpoch,
  deriveClientId,
  encodeEntries,
  encodeEntry,
  KIND,
  type KnownRoom,
  signEntry,
} from '@sealwire/core/testing';
import { CONTROL_STREAM, type ErrorCode, pageStream } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { HeardChain, Member, Sent } from './member.ts';
import { BEGINNING } from './world.ts';

export interface AttackWorld {
  readonly member: Member;
  readonly room: KnownRoom;
  /** Milliseconds since the run began. */
  readonly now: number;
  /** A text of the member's own, which may be shown or not. */
  readonly allowed: (room: KnownRoom) => string;
  /** A text that nobody may ever see. */
  readonly forbidden: () => string;
}

interface Attack {
  /** None: nothing need be said of it. */
  readonly codes: readonly ErrorCode[];
  /** What may be said beside that. */
  readonly also?: readonly ErrorCode[];
  /** Sends it. @returns its frames; none if there is nothing to attack at the moment. */
  run(attack: AttackWorld): readonly Sent[] | Promise<readonly Sent[]>;
}

const PAGE = pageStream(0);

export const ATTACKS = {
  'speaks as itself': {
    codes: [],
    run: ({ member, room, now, allowed }) => {
      const chain = member.chain(room, PAGE);
      if (room.kind === 'account') return [];
      return [member.send({ chain, payload: update(chain, [entry(allowed(room), now)]), moves: 1 })];
    },
  },
  "continues another's chain": {
    codes: ['FRAME_FORGED'],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.victim(room, PAGE);
      if (!chain) return [];
      return [
        member.send({ chain, counter: chain.last + 1, payload: update(chain, [entry(forbidden(), now)]) }),
      ];
    },
  },
  "opens a chain in another's name": {
    codes: ['FRAME_FORGED'],
    run: ({ member, room, now, forbidden }) => {
      const victim = member.victim(room, PAGE);
      const logged =
        victim && [...member.account.devices.values()].find(({ id }) => same(id, victim.address.deviceId));
      if (!logged) return [];
      const nonce = member.dice.bytes(16);
      const clientId = deriveClientId(logged.keys.identity, room.logId, PAGE, nonce);
      const chain = member.invented(room, PAGE, logged.id, clientId, nonce);
      return [member.send({ chain, counter: 1, payload: update(chain, [entry(forbidden(), now)]) })];
    },
  },
  "writes under another's clientID": {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room, now, forbidden }) => {
      const victim = member.victim(room, PAGE);
      if (!victim) return [];
      const chain = member.chain(room, PAGE);
      const payload = update({ ...victim, clock: chain.clock }, [entry(forbidden(), now)]);
      return [member.send({ chain, payload, moves: 0 })];
    },
  },
  "overwrites another's words": {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room, now, forbidden }) => {
      const victim = member.victim(room, PAGE);
      if (!victim) return [];
      const chain = member.chain(room, PAGE);
      const key = `${victim.address.clientId}:0`;
      return [member.send({ chain, payload: update(chain, [entry(forbidden(), now)], { key }), moves: 0 })];
    },
  },
  poisons: {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room }) => {
      const chain = member.chain(room, PAGE);
      return [member.send({ chain, payload: member.dice.pick(POISONS)(chain), moves: 0 })];
    },
  },
  equivocates: {
    codes: ['FRAME_EQUIVOCATION'],
    also: ['FRAME_VOID'],
    run: ({ member, room, now, allowed }) => {
      if (room.kind === 'account') return [];
      const chain = member.chain(room, PAGE);
      const counter = member.nextCounter(room);
      const { last: previous, hash } = chain;
      const twin = { ...chain };
      const one = member.send({
        chain,
        counter,
        payload: update(chain, [entry(allowed(room), now)]),
        moves: 1,
      });
      const payload = update(twin, [entry(allowed(room), now)]);
      // What follows the fork counts no more.
      member.abandon(chain);
      return [one, member.send({ chain: twin, counter, previous, hash, payload })];
    },
  },
  'floods with what must wait': {
    codes: [],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.chain(room, PAGE);
      const later = { ...chain, clock: chain.clock + 7 };
      return Array.from({ length: member.dice.between(1, 40) }, (_, i) =>
        member.send({
          chain: later,
          counter: 100_000 + i,
          previous: 99_000 + i,
          payload: update(later, [entry(forbidden(), now)]),
        }),
      );
    },
  },
  'grinds a clientID': {
    codes: ['FRAME_FORGED'],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.invented(
        room,
        PAGE,
        member.ownId,
        4_000 + member.dice.int(1e9),
        member.dice.bytes(16),
      );
      return [member.send({ chain, payload: update(chain, [entry(forbidden(), now)]) })];
    },
  },
  'deletes in the account document': {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room }) => {
      const victim = member.victim(room, PAGE);
      if (!victim || room.kind !== 'account') return [];
      const chain = member.chain(room, PAGE);
      const deletions = [{ clientId: victim.address.clientId, clock: 0, length: 1 }];
      return [member.send({ chain, payload: update(chain, [], { deletions }), moves: 0 })];
    },
  },
  'adds a device without the right': {
    codes: ['LOG_ENTRY_REFUSED'],
    run: ({ member, room }) => {
      const chain = member.chain(room, CONTROL_STREAM);
      const { dice, account } = member;
      const device = { identity: member.own.identity, relay: dice.bytes(32), hpke: member.own.hpke };
      const add = {
        type: 'device-add',
        account: account.root,
        parents: account.heads,
        author: member.ownId,
        device,
        rights: 0,
        at: BEGINNING,
      } as const;
      const payload = encodeEntries([signEntry(add, member.sign, member.sign)]);
      return [member.send({ chain, kind: KIND.control, payload, moves: 0 })];
    },
  },
  'makes an epoch for somebody else as well': {
    codes: ['LOG_ENTRY_REFUSED'],
    async run({ member, room }) {
      const newest = member.newestEpoch(room);
      const [own] = newest?.entry.recipients ?? [];
      if (!newest || !own) return [];
      const { dice } = member;
      const ghost = { account: dice.bytes(32), accountKey: member.own.hpke };
      const epoch = await createEpoch({
        log: room.logId,
        index: newest.entry.index + 1,
        parents: [newest.hash],
        heads: newest.entry.heads,
        author: member.ownId,
        epochKey: dice.bytes(32),
        members: [own, ghost],
        sign: member.sign,
      });
      const chain = member.chain(room, CONTROL_STREAM);
      return [member.send({ chain, kind: KIND.control, payload: encodeEntries([epoch]), moves: 0 })];
    },
  },
  'claims to have seen what is not there': {
    codes: ['FRAME_GAP'],
    run: ({ member, room, now, allowed }) => {
      const victim = member.victim(room, PAGE);
      if (!victim || room.kind === 'account') return [];
      const chain = member.chain(room, PAGE);
      const seen = [{ deviceTag: victim.address.deviceId.subarray(0, 8), counter: 900_000 }];
      return [member.send({ chain, seen, payload: update(chain, [entry(allowed(room), now)]), moves: 1 })];
    },
  },
  'dates ahead': {
    codes: ['CLOCK_AHEAD'],
    run: ({ member, room, now, allowed }) => {
      if (room.kind === 'account') return [];
      const chain = member.chain(room, PAGE);
      const payload = update(chain, [entry(allowed(room), now + 86_400_000)]);
      return [member.send({ chain, payload, moves: 1 })];
    },
  },
  'sends no body': {
    codes: ['MALFORMED', 'TOO_LARGE'],
    run: ({ member, room }) => {
      const chain = member.chain(room, PAGE);
      const raw = member.dice.bytes(member.dice.between(0, 200));
      // A byte of flags that no body has, so that chance makes no body of it.
      if (raw.length > 0) raw[0] = 0xf0 | raw[0]!;
      return [member.send({ chain, payload: raw, raw })];
    },
  },
  'sends another kind': {
    codes: ['UNSUPPORTED_VERSION'],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.chain(room, PAGE);
      return [member.send({ chain, kind: 9, payload: update(chain, [entry(forbidden(), now)]) })];
    },
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackKind = keyof typeof ATTACKS;

export const attackOf = (kind: AttackKind): Attack => ATTACKS[kind];

const entry = (text: string, now: number): Uint8Array =>
  encodeEntry({ k: 'm', t: Math.floor(BEGINNING + now) * 1024, x: text });

interface Bent {
  readonly key?: string;
  readonly info?: number;
  readonly deletions?: readonly {
    readonly clientId: number;
    readonly clock: number;
    readonly length: number;
  }[];
}

/** A Yjs update (V1) of entries at a chain's clock: legal, unless something is bent. */
const update = (
  { address, clock }: HeardChain,
  entries: readonly Uint8Array[],
  bent: Bent = {},
): Uint8Array => {
  const { clientId } = address;
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, entries.length > 0 ? 1 : 0);
  if (entries.length > 0) {
    encoding.writeVarUint(out, entries.length);
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, clock);
  }
  entries.forEach((content, i) => {
    encoding.writeUint8(out, bent.info ?? 0x23);
    encoding.writeVarUint(out, 1);
    encoding.writeVarString(out, 'e');
    encoding.writeVarString(out, bent.key ?? `${clientId}:${clock + i}`);
    encoding.writeVarUint8Array(out, content);
  });
  const { deletions = [] } = bent;
  encoding.writeVarUint(out, deletions.length);
  for (const { clientId: of, clock: at, length } of deletions) {
    encoding.writeVarUint(out, of);
    encoding.writeVarUint(out, 1);
    encoding.writeVarUint(out, at);
    encoding.writeVarUint(out, length);
  }
  return encoding.toUint8Array(out);
};

/** Updates that trouble Yjs, or a parser that is not strict. */
const POISONS: readonly ((chain: HeardChain) => Uint8Array)[] = [
  // A deletion of nothing makes applyUpdate throw and spoils the document for every fresh reader.
  (chain) => update(chain, [], { deletions: [{ clientId: chain.address.clientId, clock: 0, length: 0 }] }),
  // An entry that is no item of the map, but text.
  (chain) => update(chain, [Uint8Array.of(1, 2, 3)], { info: 0x24 }),
  (chain) => update({ ...chain, clock: chain.clock + 1 }, [Uint8Array.of(1)]),
  (chain) => update(chain, [new Uint8Array(0)]),
  (chain) => Uint8Array.from([...update(chain, [Uint8Array.of(1)]), 0]),
  () => Uint8Array.of(255, 255, 255, 255),
];

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
