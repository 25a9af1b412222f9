// Lists of rooms under a seeded scheduler: admins race, members leave, commits fail, everybody follows, reads and appends.
// What is heard is judged by what is durable at that moment. Rules: spec/relay-protocol.md §6.
import {
  authenticateStatement,
  type ClientMessage,
  decodeRelayMessage,
  encodeClientMessage,
  principalStatement,
  type RelayMessage,
  type RoomMember,
  SealwireError,
  sameBytes,
} from '@sealwire/protocol';
import { type Random, seededRandom } from '@sealwire/testkit/random';
import { makeKey, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createRelayCore,
  type LinkEvents,
  type LocalStore,
  type LogStore,
  memoryStore,
  relayLimits,
} from '../src/index.ts';
import { slowStore } from './slow-store.ts';

const SEED = Number(process.env.SEALWIRE_SEED ?? 1);
const RUNS = process.env.SEALWIRE_SLOW ? 200 : 20;
const EVENTS = 1_000;
const room = new Uint8Array(32).fill(1);

const fuzz = suite('lists fuzz');

type Edit = Extract<ClientMessage, { type: 'put-room' }>;

/** What all peers of a run know together. */
interface Judge {
  readonly store: LocalStore;
  /** The list of each version, as it was acknowledged. */
  readonly versions: Map<number, readonly RoomMember[]>;
  readonly seen: Map<string, number>;
  /** The first wrong message. */
  fault: unknown;
}

const lists = (members: readonly RoomMember[], principal: Uint8Array): boolean =>
  members.some((member) => sameBytes(member.principal, principal));

/** One connection of one principal, and the judge of what it hears. */
class Peer {
  readonly key = makeKey();
  readonly account: ReturnType<typeof makePrincipal>;
  events: LinkEvents | undefined;
  hello: Extract<RelayMessage, { type: 'hello' }> | undefined;
  /** What it believes the list to be. */
  known: { version: number; members: readonly RoomMember[] } | undefined;
  readonly #edits = new Map<number, Edit>();
  readonly #judge: Judge;
  #follows = false;
  #requests = 10;

  constructor(judge: Judge, account: ReturnType<typeof makePrincipal>) {
    this.#judge = judge;
    this.account = account;
  }

  readonly link = {
    send: (bytes: Uint8Array): void => {
      // Some messages are sent out of promises, where a thrown verdict would be lost.
      try {
        this.#hear(decodeRelayMessage(bytes.slice()));
      } catch (error) {
        this.#judge.fault ??= error;
      }
    },
    close: (code: string): void => assert.unreachable(`closed with ${code}`),
    buffered: (): number => 0,
    pause: (): void => {},
    resume: (): void => {},
  };

  say(message: ClientMessage): void {
    this.events!.received(encodeClientMessage(message));
  }

  next = (): number => this.#requests++;

  edit(version: number, members: readonly RoomMember[]): void {
    const request = this.next();
    const edit: Edit = { type: 'put-room', request, room, version, members };
    this.#edits.set(request, edit);
    this.say(edit);
  }

  #hear(message: RelayMessage): void {
    const { seen, store, versions } = this.#judge;
    seen.set(message.type, (seen.get(message.type) ?? 0) + 1);
    const isMember = lists(store.room(room)?.members ?? [], this.account.id);
    switch (message.type) {
      case 'hello':
        this.hello = message;
        break;
      case 'room-result':
        assert.ok(isMember, 'a list for one that is no member');
        assert.equal(plain(message.members), plain(versions.get(message.version) ?? []));
        this.known = { version: message.version, members: message.members };
        break;
      case 'frames':
      case 'signal':
        assert.ok(this.#follows, `${message.type} for one that was told that it does not follow`);
        assert.ok(isMember, `${message.type} for one that is no member`);
        break;
      case 'read-result':
        assert.ok(isMember, 'a read by one that is no member');
        break;
      case 'resumed':
        this.#follows = message.refused.length === 0;
        assert.is(this.#follows, isMember);
        break;
      case 'unfollowed':
        assert.ok(this.#follows && !isMember);
        this.#follows = false;
        break;
      case 'refused':
        if (message.code === 'VERSION_CONFLICT') this.known = undefined;
        break;
      case 'done':
        this.#acknowledged(message.request, message.version);
    }
  }

  #acknowledged(request: number, version: number): void {
    const edit = this.#edits.get(request);
    if (edit === undefined) return;
    const { versions } = this.#judge;
    assert.is(version, edit.version);
    this.known = { version, members: edit.members };
    const before = versions.get(version);
    // Said twice is fine; two different lists of one version are not.
    if (before) assert.equal(plain(edit.members), plain(before));
    const parent = versions.get(version - 1);
    assert.ok(version === 1 || parent, 'a version without the one before');
    if (parent && !before) this.#mayHaveMade(edit, parent);
    versions.set(version, edit.members);
  }

  #mayHaveMade(edit: Edit, parent: readonly RoomMember[]): void {
    const me = parent.find(({ principal }) => sameBytes(principal, this.account.id));
    assert.ok(me, 'an edit by one that is no member');
    assert.ok(
      edit.members.some(({ admin }) => admin),
      'a list without an admin',
    );
    const left = parent.filter((member) => member !== me);
    if (!me.admin) assert.equal(plain(edit.members), plain(left), 'no admin, and not just a leave');
  }
}

const plain = (members: readonly RoomMember[]): string[] =>
  members.map(({ principal, admin }) => `${Buffer.from(principal).toString('hex')} ${admin}`).sort();

const act = (random: Random, peer: Peer, peers: readonly Peer[]): void => {
  const choice = random.int(10);
  const { known } = peer;
  const request = peer.next();
  if (choice < 2) peer.say({ type: 'get-room', request, room });
  else if (choice === 2) peer.say({ type: 'resume', request, rooms: [{ room, cursor: random.int(3) }] });
  else if (choice === 3) peer.say({ type: 'read', request, room, stream: '', after: 0, maxBytes: 500 });
  else if (choice < 6) peer.say({ type: 'append', request, room, stream: 'control', frame: random.bytes(9) });
  else if (choice === 6) peer.say({ type: 'signal', room, payload: random.bytes(3) });
  else if (known === undefined) peer.say({ type: 'get-room', request, room });
  else if (choice === 7) {
    const left = known.members.filter(({ principal }) => !sameBytes(principal, peer.account.id));
    peer.edit(known.version + 1, left);
  } else {
    const other = random.pick(peers).account.id;
    const rest = known.members.filter(({ principal }) => !sameBytes(principal, other));
    const added = [...rest, { principal: other, admin: random.int(2) === 0 }];
    peer.edit(known.version + (random.int(5) > 0 ? 1 : random.int(3)), random.int(3) === 0 ? rest : added);
  }
};

/** One seeded run. @param bend - stands between core and store, to prove that faults are seen. */
const run = async (
  seed: number,
  seen: Map<string, number>,
  bend: (store: LocalStore, soon: (run: () => void) => void, random: Random) => LogStore = (store) => store,
) => {
  const random = seededRandom(seed);
  const tasks: (() => void)[] = [];
  let isFull = false;
  const flush = async (): Promise<void> => {
    if (isFull) throw new SealwireError('STORE_FULL', 'No room.');
  };
  const soon = (task: () => void): void => void tasks.push(task);
  const store = memoryStore({ flush, soon, relayId: new Uint8Array(16) });
  const clock = { now: () => 0, after: () => () => {}, soon };
  const core = createRelayCore({
    store: bend(store, soon, random),
    clock,
    limits: relayLimits({ appendsInFlight: 10_000 }),
    random: random.bytes,
    log: () => {},
  });
  const turn = async (): Promise<void> => {
    tasks.splice(random.int(tasks.length), 1)[0]?.();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const judge: Judge = { store, versions: new Map(), seen, fault: undefined };
  const accounts = Array.from({ length: 4 }, makePrincipal);
  const peers = [...accounts, accounts[0]!, accounts[1]!].map((account) => new Peer(judge, account));
  for (const peer of peers) {
    peer.events = core.connect(peer.link);
    const relayKey = peer.key.publicKey;
    const statement = authenticateStatement({ ...peer.hello!, relayKey });
    peer.say({ type: 'authenticate', relayKey, signature: peer.key.sign(statement) });
  }
  for (const account of accounts) {
    const own = peers.filter((peer) => peer.account === account);
    const relayKeys = own.map(({ key }) => key.publicKey).sort(Buffer.compare);
    const statement = principalStatement({ principal: account.id, version: 1, relayKeys });
    const manageKey = account.manageKey.publicKey;
    const signature = account.manageKey.sign(statement);
    own[0]!.say({
      type: 'put-principal',
      request: 1,
      manageKey,
      version: 1,
      relayKeys,
      farewells: [],
      signature,
    });
  }
  while (tasks.length > 0) await turn();
  peers[0]!.edit(1, [{ principal: accounts[0]!.id, admin: true }]);
  while (tasks.length > 0) await turn();
  for (let event = 0; event < EVENTS; event++) {
    if (random.int(2) === 0) await turn();
    else act(random, random.pick(peers), peers);
    if (random.int(25) === 0) isFull = !isFull && random.int(2) === 0;
  }
  isFull = false;
  while (tasks.length > 0) await turn();
  if (judge.fault) throw judge.fault;
  const last = store.room(room)!;
  assert.is(last.version, Math.max(...judge.versions.keys()));
  assert.equal(plain(last.members), plain(judge.versions.get(last.version)!));
};

fuzz(
  `[RP64] [RP119] [RP120] [RP121] ${RUNS} seeded runs: lists change one after the other, and rights with them`,
  async () => {
    const seen = new Map<string, number>();
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      try {
        await run(seed, seen);
      } catch (error) {
        const again = `SEALWIRE_SEED=${seed} node --conditions=sealwire:source --import tsx packages/relay/test/lists-fuzz.test.ts`;
        throw new Error(`seed ${seed}: ${(error as Error).message}; again with: ${again}`, { cause: error });
      }
    }
    for (const type of ['done', 'refused', 'frames', 'read-result', 'room-result', 'unfollowed', 'signal']) {
      assert.ok((seen.get(type) ?? 0) > RUNS, `${type}: ${seen.get(type)}`);
    }
  },
);

fuzz(
  `[RP121] [RP50] ${RUNS} seeded runs on a store whose reads take time: who is off the list hears nothing, whatever was being read`,
  async () => {
    const seen = new Map<string, number>();
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      try {
        await run(seed, seen, slowStore);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    for (const type of ['done', 'refused', 'frames', 'read-result', 'room-result', 'unfollowed', 'signal']) {
      assert.ok((seen.get(type) ?? 0) > RUNS / 2, `${type}: ${seen.get(type)}`);
    }
  },
);

fuzz('a store that answers before it has written, or takes any version, is found out', async () => {
  const bends: ((store: LocalStore) => LocalStore)[] = [
    (store) => ({
      ...store,
      async putRoom(record) {
        store.putRoom(record).catch(() => {});
      },
    }),
    (store) => ({
      ...store,
      putRoom: (record) =>
        store
          .putRoom(record)
          .catch(() => store.putRoom({ ...record, version: (store.room(room)?.version ?? 0) + 1 })),
    }),
  ];
  for (const bend of bends) {
    let failures = 0;
    for (let seed = 1; seed <= 5; seed++) {
      await run(seed, new Map(), bend).catch(() => failures++);
    }
    assert.ok(failures > 0, 'nobody noticed');
  }
});

fuzz.run();
