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
      return [member.send({ chain, payload: update([entry(allowed(room), now)]), moves: 1 })];
    },
  },
  'speaks after it was logged out': {
    codes: ['FRAME_VOID'],
    run: ({ member, room, now, allowed }) => {
      if (room.kind === 'account') return [];
      const chain = member.chain(room, PAGE);
      return [member.send({ chain, payload: update([entry(allowed(room), now)]), moves: 1 })];
    },
  },
  "continues another's chain": {
    codes: ['FRAME_FORGED'],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.victim(room, PAGE);
      if (!chain) return [];
      return [member.send({ chain, counter: chain.last + 1, payload: update([entry(forbidden(), now)]) })];
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
      return [member.send({ chain, counter: 1, payload: update([entry(forbidden(), now)]) })];
    },
  },
  'hides words in what is refused': {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.chain(room, PAGE);
      const payload = update([entry(forbidden(), now)], deletion(chain.address.clientId, 0, 1));
      return [member.send({ chain, payload, moves: 0 })];
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
        payload: update([entry(allowed(room), now)]),
        moves: 1,
      });
      const payload = update([entry(allowed(room), now)]);
      // What follows the fork counts no more.
      member.abandon(chain);
      return [one, member.send({ chain: twin, counter, previous, hash, payload })];
    },
  },
  'floods with what must wait': {
    codes: [],
    run: ({ member, room, now, forbidden }) => {
      const chain = member.chain(room, PAGE);
      return Array.from({ length: member.dice.between(1, 40) }, (_, i) =>
        member.send({
          chain,
          counter: 100_000 + i,
          previous: 99_000 + i,
          payload: update([entry(forbidden(), now)]),
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
      return [member.send({ chain, payload: update([entry(forbidden(), now)]) })];
    },
  },
  'deletes in the account document': {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room }) => {
      const victim = member.victim(room, PAGE);
      if (!victim || room.kind !== 'account') return [];
      const chain = member.chain(room, PAGE);
      return [member.send({ chain, payload: update([], deletion(victim.address.clientId, 0, 1)), moves: 0 })];
    },
  },
  "deletes another's words": {
    codes: ['UPDATE_REFUSED'],
    run: ({ member, room }) => {
      const strangers = member.strangers(room);
      const victim = member.victim(room, PAGE, (deviceId) => strangers.has(deviceId));
      if (!victim || room.kind !== 'chat') return [];
      const chain = member.chain(room, PAGE);
      return [member.send({ chain, payload: update([], deletion(victim.address.clientId, 0, 1)), moves: 0 })];
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
      return [member.send({ chain, seen, payload: update([entry(allowed(room), now)]), moves: 1 })];
    },
  },
  'dates ahead': {
    codes: ['CLOCK_AHEAD'],
    run: ({ member, room, now, allowed }) => {
      if (room.kind === 'account') return [];
      const chain = member.chain(room, PAGE);
      const payload = update([entry(allowed(room), now + 86_400_000)]);
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
      return [member.send({ chain, kind: 9, payload: update([entry(forbidden(), now)]) })];
    },
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackKind = keyof typeof ATTACKS;

export const attackOf = (kind: AttackKind): Attack => ATTACKS[kind];

/** The payload of one message. */
export const wordsOf = (text: string, now: number): Uint8Array => update([entry(text, now)]);

const entry = (text: string, now: number): Uint8Array =>
  encodeEntry({ k: 'm', t: Math.floor(BEGINNING + now) * 1024, x: text });

/** A payload of entries: legal. */
const update = (entries: readonly Uint8Array[], rest: readonly number[] = []): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, entries.length);
  for (const content of entries) encoding.writeVarUint8Array(out, content);
  for (const value of rest) encoding.writeVarUint(out, value);
  return encoding.toUint8Array(out);
};

/** What follows the entries: one range that is deleted. */
const deletion = (clientId: number, clock: number, length: number): number[] => [clientId, 1, clock, length];

/** Payloads that would trouble Yjs, or that a device which is not strict would read in two ways. */
const POISONS: readonly ((chain: HeardChain) => Uint8Array)[] = [
  // A deletion of nothing makes applyUpdate throw and spoils the document for every fresh reader.
  () => update([], deletion(0, 0, 0)),
  ({ address }) => update([], deletion(address.clientId, 0, 1)),
  () => update([], [...deletion(7, 0, 1), ...deletion(7, 2, 1)]),
  () => update([], [7, 2, 0, 1, 0, 1]),
  () => update([], deletion(7, 1, Number.MAX_SAFE_INTEGER)),
  () => update([new Uint8Array(65_537)]),
  () => update([Uint8Array.of(1)], [0]),
  () => Uint8Array.of(9, 1, 1),
  () => Uint8Array.of(255, 255, 255, 255),
];

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
