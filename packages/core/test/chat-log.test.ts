// A chat's membership log as its room takes it in: in any order, for founders whom nobody knows, and what it says of those
// who were removed. Rules: spec/chats.md §1.
import { fromHex, LIMITS, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chatKeys, makeChat } from '../src/account/rooms.ts';
import { hpkeKeyPair } from '../src/crypto/hpke.ts';
import { createOwnAccount } from '../src/identity/account-keys.ts';
import { createDirectory } from '../src/identity/directory.ts';
import {
  type ChatGenesis,
  type MemberChange,
  type MemberEntry,
  type SignedEntry,
  signEntry,
} from '../src/identity/log-entry.ts';
import {
  addToMembershipLog,
  createMemberEntry,
  type MembershipLog,
  startMembershipLog,
} from '../src/identity/membership.ts';
import { type ChatEntry, decodeEntry, encodeEntry } from '../src/logdoc/entries.ts';
import { createChatLog } from '../src/room/chat-log.ts';
import { type Person, person } from './contacts-kit.ts';
import { codeOf, idOf } from './device-log-kit.ts';
import { seeded } from './support.ts';

const test = suite('chat log');

const deviceOf = ({ log, devices }: Person, i = 0) => log.devices.get(idOf(devices[i]!))!;

const founded = async (founder: Person, random: ReturnType<typeof seeded>) => {
  const { account, id: author } = deviceOf(founder);
  const genesis: SignedEntry<ChatGenesis> = signEntry(
    { type: 'chat-genesis', nonce: random.bytes(16), account, author, at: 1 },
    founder.devices[0]!.sign,
  );
  let log: MembershipLog = await startMembershipLog(genesis, deviceOf(founder));
  const entries: SignedEntry<MemberEntry>[] = [];
  return {
    genesis,
    entries,
    log: () => log,
    async change(by: Person, change: MemberChange): Promise<void> {
      const entry = createMemberEntry({
        log,
        device: deviceOf(by),
        change,
        at: 2,
        sign: by.devices[0]!.sign,
      });
      log = await addToMembershipLog(log, entry, deviceOf(by));
      entries.push(entry);
    },
  };
};

test('[CH1] the first entry names whose log the room needs, before that is known; others come by name alone', async () => {
  const random = seeded(1);
  const [ada, bea, eve] = [
    await person(random, 'Ada'),
    await person(random, 'Bea'),
    await person(random, 'Eve'),
  ];
  const chat = await founded(ada, random);
  await chat.change(ada, { action: 'add', subject: bea.log.root, role: 'member' });
  const directory = createDirectory([]);
  const taken = createChatLog(chat.genesis.hash, directory);
  assert.not(taken.members.names(ada.log.root));
  taken.note(signEntry({ ...chat.genesis.entry, account: eve.log.root }, eve.devices[0]!.sign));
  assert.not(taken.members.names(eve.log.root), 'another entry than the one that is the chat');
  taken.note(chat.genesis);
  assert.ok(taken.members.names(ada.log.root));
  assert.is(await taken.takeGenesis(chat.genesis), false, 'its author is not known yet');
  await directory.adopt(ada.log.entries[0] as never);
  assert.is(await taken.takeGenesis(chat.genesis), true);
  assert.not(taken.members.names(bea.log.root));
  assert.is(await taken.takeMember(chat.entries[0]!), true);
  assert.ok(taken.members.names(bea.log.root));
  assert.not(taken.members.names(eve.log.root));
});

test('[CH2] in whatever order the entries come, the members are the same', async () => {
  const random = seeded(2);
  const people = await Promise.all(['Ada', 'Bea', 'Cleo', 'Dora'].map((name) => person(random, name)));
  const [ada, bea, cleo, dora] = people as [Person, Person, Person, Person];
  const chat = await founded(ada, random);
  await chat.change(ada, { action: 'add', subject: bea.log.root, role: 'admin' });
  await chat.change(bea, { action: 'add', subject: cleo.log.root, role: 'member' });
  await chat.change(bea, { action: 'rename', title: 'Summer' });
  await chat.change(cleo, { action: 'leave', chains: [] });
  await chat.change(ada, { action: 'add', subject: dora.log.root, role: 'member' });
  for (let run = 0; run < 30; run++) {
    const directory = createDirectory([]);
    const taken = createChatLog(chat.genesis.hash, directory);
    let waiting = random.shuffled([
      () => taken.takeGenesis(chat.genesis),
      ...chat.entries.map((entry) => () => taken.takeMember(entry)),
      ...people.map(({ log }) => async () => {
        if (random.next() < 0.5) return false;
        await directory.adopt(log.entries[0] as never);
        return true;
      }),
    ]);
    for (let round = 0; waiting.length > 0; round++) {
      assert.ok(round < 200, 'something waits for ever');
      const left = [];
      for (const give of waiting) if (!(await give())) left.push(give);
      waiting = left;
    }
    await taken.settle(new Map());
    assert.equal(
      [...taken.log()!.members].map(([id, { role }]) => [id, role]),
      [...chat.log().members].map(([id, { role }]) => [id, role]),
    );
    assert.equal(taken.members.heads(), chat.log().heads);
    assert.is(taken.log()!.title, 'Summer');
  }
});

test('[CH3] who was removed is limited with all devices, also one linked later; who returns is not', async () => {
  const random = seeded(3);
  const [ada, bea] = [await person(random, 'Ada'), await person(random, 'Bea', 2)];
  const chat = await founded(ada, random);
  const chains = [{ stream: 'page-0', clientId: 7, counter: 3, hash: random.bytes(32) }];
  await chat.change(ada, { action: 'add', subject: bea.log.root, role: 'member' });
  await chat.change(ada, {
    action: 'remove',
    subject: bea.log.root,
    chains: [{ device: deviceOf(bea).id, chains }],
  });
  const directory = createDirectory([ada.log]);
  const taken = createChatLog(chat.genesis.hash, directory);
  await taken.takeGenesis(chat.genesis);
  for (const entry of chat.entries) await taken.takeMember(entry);
  await directory.adopt(bea.log.entries[0] as never);
  assert.equal([...taken.ruled().keys()], [idOf(bea.devices[0]!)]);
  await directory.learn(bea.log.entries[1]!);
  const order = toHex(chat.entries[1]!.hash);
  assert.equal(
    taken.ruled(),
    new Map([
      [idOf(bea.devices[0]!), { order, chains }],
      [idOf(bea.devices[1]!), { order, chains: [] }],
    ]),
  );
  await chat.change(ada, { action: 'add', subject: bea.log.root, role: 'member' });
  await taken.takeMember(chat.entries[2]!);
  assert.is(taken.ruled().size, 0);
});

test('entries of other chats are refused', async () => {
  const random = seeded(4);
  const ada = await person(random, 'Ada');
  const [one, other] = [await founded(ada, random), await founded(ada, random)];
  await other.change(ada, { action: 'rename', title: 'Other' });
  const taken = createChatLog(one.genesis.hash, createDirectory([ada.log]));
  assert.is(await codeOf(() => taken.takeGenesis(other.genesis)), 'LOG_ENTRY_REFUSED');
  assert.is(await codeOf(() => taken.takeMember(other.entries[0]!)), 'LOG_ENTRY_REFUSED');
});

test("[CH13] the account document's entry alone says who is in a chat from its beginning, and holds as many as may be", async () => {
  const random = seeded(13);
  const ada = await person(random, 'Ada', 2);
  const { publicKey, privateKey } = ada.accountKey;
  const members = Array.from({ length: LIMITS.firstMembers }, () => random.bytes(32));
  const accountKeyOf = (): Uint8Array => hpkeKeyPair(random.bytes(32)).publicKey;
  const made = await makeChat({
    account: await createOwnAccount(ada.log.root, [privateKey]),
    device: deviceOf(ada),
    accountKey: publicKey,
    others: {
      members: members.map((account) => ({ account, accountKey: accountKeyOf() })),
      title: 'x'.repeat(LIMITS.nameChars),
    },
    sign: ada.devices[0]!.sign,
    randomBytes: random.bytes,
    now: () => 1,
  });
  const bytes = encodeEntry({ ...made.entry, n: '\u20ac'.repeat(LIMITS.nameChars), t: 2 ** 52 });
  assert.ok(bytes.length <= LIMITS.entryBytes, `${bytes.length} bytes`);
  const read = decodeEntry(bytes) as ChatEntry;
  const directory = createDirectory([ada.log]);
  const onWeb = createChatLog(fromHex(read.id), directory);
  for (const signed of chatKeys(read).logEntries!) {
    if (signed.entry.type === 'chat-genesis')
      assert.ok(await onWeb.takeGenesis(signed as SignedEntry<ChatGenesis>));
    if (signed.entry.type === 'member') assert.ok(await onWeb.takeMember(signed as SignedEntry<MemberEntry>));
  }
  const known = onWeb.members.accounts().map(toHex).sort();
  assert.equal(known, [ada.log.root, ...members].map(toHex).sort());
  assert.is(onWeb.log()?.title?.length, LIMITS.nameChars);
});

test.run();
