// Makes the vectors of membership logs, one fault a file, from spec/membership.md. Run it to write them again:
// node --import tsx spec/vectors/membership/generate.ts
import { collect, type Layer, type Vector, writeIfMain } from '../form.ts';
import { byte, varuint } from '../frame/twin.ts';
import { type Bytes, hex, join, seedOf, x25519Public } from '../link/twin.ts';
import {
  ACTION,
  AT,
  chain,
  chatOf,
  type Entry,
  entryOf,
  genesisOf,
  list,
  type Person,
  personOf,
} from './twin.ts';

const { vectors, layer } = collect();

const [ann, bob, cid, dan] = ['Ann', 'Bob', 'Cid', 'Dan'].map(personOf) as [Person, Person, Person, Person];
const genesis = genesisOf(ann);
const { member, cut } = chatOf(genesis);

// Ann starts the chat, adds Bob as an admin, then Cid as a member.
const addBob = member(ann, [genesis], ACTION.add(bob, 1));
const addCid = member(ann, [addBob], ACTION.add(cid));
const FIRST = [genesis, addBob, addCid] as const;

/** Every device that signs here: the account, then the identity key. */
const devices = [ann, bob, cid, dan].flatMap(({ account, phone, tablet }) =>
  [phone, tablet].map(({ identity }) => hex(join(account, identity))),
);

const input = (entries: readonly Entry[], cuts: readonly Entry[] = []): Vector['input'] => ({
  ...{ devices, entries: entries.map(({ bytes }) => hex(bytes)), cuts: cuts.map(({ hash }) => hex(hash)) },
});

const hashes = (...entries: readonly Entry[]): string[] => entries.map(({ hash }) => hex(hash)).sort();
const people = (admins: readonly Person[], members: readonly Person[]) =>
  [
    ...admins.map(({ account }) => ({ account: hex(account), role: 'admin' })),
    ...members.map(({ account }) => ({ account: hex(account), role: 'member' })),
  ].sort((a, b) => (a.account < b.account ? -1 : 1));

const result = (
  admins: readonly Person[],
  members: readonly Person[],
  heads: readonly Entry[],
  title: string | null = null,
  room: Bytes | null = null,
): Vector['expect'] => ({
  id: hex(genesis.hash),
  members: people(admins, members),
  title,
  room: room && hex(room),
  heads: hashes(...heads),
});

const addEntries = ({ good, bad }: Layer): void => {
  const chains = [join(bob.tablet.id, list([chain('page-0', 2 ** 52 + 1, 300), chain('control', 7, 1)]))];
  const whole = (name: string, { unsigned: bytes, hash, bytes: all }: Entry, type = 'member'): void =>
    good(
      name,
      'DL1',
      { entry: hex(all) },
      { type, hash: hex(hash), signatures: [hex(all.subarray(bytes.length))] },
    );
  for (const [name, change] of [
    ['add', ACTION.add(dan)],
    ['add-admin', ACTION.add(dan, 1)],
    ['remove', ACTION.remove(bob, chains)],
    ['leave', ACTION.leave(chains)],
    ['promote', ACTION.promote(cid)],
    ['demote', ACTION.demote(bob)],
    ['rename', ACTION.rename('Ausflug 🏔️')],
    ['merge', ACTION.merge()],
    ['move', ACTION.move(seedOf('another room'))],
  ] as const)
    whole(name, member(ann, [addCid], change));
  const share = (sealed: Bytes): Entry =>
    entryOf(
      join(
        ...[
          Uint8Array.of(9, 1),
          genesis.hash,
          ann.phone.id,
          dan.account,
          x25519Public(seedOf('account key')),
        ],
        ...[varuint(sealed.length), sealed],
      ),
      ann.phone,
    );
  const bytes = (length: number): Bytes =>
    join(...Array.from({ length: Math.ceil(length / 32) }, (_, i) => seedOf(`sealed ${i}`))).subarray(
      0,
      length,
    );
  whole('share', share(bytes(48 + 64)), 'share');
  const refused = (name: string, fault: string, code: string, { bytes: entry }: Entry): void =>
    bad(name, 'DL1', fault, code, { entry: hex(entry) });
  const changed = (change: Bytes): Entry => member(ann, [addCid], change);
  refused('action', 'an action of a later version', 'UNSUPPORTED_VERSION', changed(byte(9)));
  refused('move-short', 'a move to no room', 'MALFORMED', changed(ACTION.move(bytes(10))));
  refused('role', 'a role that is neither', 'MALFORMED', changed(ACTION.add(dan, 2)));
  refused('title-none', 'an empty title', 'MALFORMED', changed(ACTION.rename('')));
  refused('title-long', 'a title of 101 characters', 'MALFORMED', changed(ACTION.rename('x'.repeat(101))));
  refused('title-turned', 'a title that turns text around', 'MALFORMED', changed(ACTION.rename('a\u202eb')));
  refused(
    'title-bytes',
    'a title that is not UTF-8',
    'MALFORMED',
    changed(ACTION.rename(Uint8Array.of(0xc3))),
  );
  const doubled = [join(bob.phone.id, list([])), join(bob.phone.id, list([]))];
  refused('device-twice', 'a device that is named twice', 'MALFORMED', changed(ACTION.remove(bob, doubled)));
  const twice = [join(bob.phone.id, list([chain('page-0', 7, 1), chain('page-0', 7, 2)]))];
  refused('chain-twice', 'a chain that is named twice', 'MALFORMED', changed(ACTION.leave(twice)));
  refused('parents', '17 parents', 'MALFORMED', member(ann, Array<Entry>(17).fill(genesis), ACTION.merge()));
  refused('share-nothing', 'a share of no key', 'MALFORMED', share(bytes(48)));
  refused('share-part', 'a share of part of a key', 'MALFORMED', share(bytes(79)));
};

const addLogs = ({ good, bad }: Layer): void => {
  good('genesis', 'MB1', input([genesis]), result([ann], [], [genesis]));
  good('add', 'MB5', input(FIRST), result([ann, bob], [cid], [addCid]));
  const log = (
    name: string,
    rule: string,
    note: string,
    entries: readonly Entry[],
    expect: Vector['expect'],
    cuts: readonly Entry[] = [],
  ): void => good(name, rule, input([...FIRST, ...entries], cuts), expect, note);
  const by = (person: Person, change: Bytes, parts = {}): Entry => member(person, [addCid], change, parts);

  const promotion = by(bob, ACTION.promote(cid));
  log('promote', 'MB5', 'a member becomes an admin', [promotion], result([ann, bob, cid], [], [promotion]));
  const tablet = by(bob, ACTION.add(dan), { by: bob.tablet });
  log(
    'tablet',
    'MB2',
    'by another device of the account',
    [tablet],
    result([ann, bob], [cid, dan], [tablet]),
  );
  const [name, other] = [by(ann, ACTION.rename('A')), by(bob, ACTION.rename('B'))];
  const title = hex(name.hash) > hex(other.hash) ? 'A' : 'B';
  for (const [order, entries] of [
    ['order', [name, other]],
    ['order-turned', [other, name]],
  ] as const)
    log(order, 'MB12', 'two titles at once', entries, result([ann, bob], [cid], entries, title));
  const later = member(bob, [name], ACTION.rename('C'));
  log(
    'rename-later',
    'MB12',
    'a title after another',
    [name, other, later],
    result([ann, bob], [cid], [other, later], 'C'),
  );
  const [there, elsewhere, third] = [seedOf('there'), seedOf('elsewhere'), seedOf('third')];
  const [move, crossed] = [by(ann, ACTION.move(there)), by(bob, ACTION.move(elsewhere))];
  const place = hex(move.hash) > hex(crossed.hash) ? there : elsewhere;
  log(
    'moves',
    'MB18',
    'two moves at once',
    [move, crossed],
    result([ann, bob], [cid], [move, crossed], null, place),
  );
  const moved = member(bob, [move], ACTION.move(third));
  log(
    'move-later',
    'MB18',
    'a move after another',
    [move, crossed, moved],
    result([ann, bob], [cid], [crossed, moved], null, third),
  );
  const seized = by(bob, ACTION.move(elsewhere));
  const ended = by(ann, ACTION.remove(bob));
  log(
    'move-void',
    'MB18',
    'a move by an account that was removed beside it',
    [seized, ended],
    result([ann], [cid], [ended]),
  );

  const removal = by(ann, ACTION.remove(bob));
  const beside = by(bob, ACTION.add(dan, 1));
  const puppet = member(dan, [beside], ACTION.rename('Taken'));
  const voided = [beside, puppet, removal];
  log(
    'removal-wins',
    'MB6',
    'an addition beside the removal of its author',
    voided,
    result([ann], [cid], [removal]),
  );
  log(
    'removal-first',
    'MB6',
    'the same, the removal first',
    [removal, beside, puppet],
    result([ann], [cid], [removal]),
  );
  const before = member(ann, [beside], ACTION.remove(bob));
  log(
    'removal-after',
    'MB6',
    'an addition that the removal knows',
    [beside, before],
    result([ann, dan], [cid], [before]),
  );
  const [upward, downward] = [by(bob, ACTION.remove(ann)), by(ann, ACTION.remove(bob))];
  log('crossed', 'MB7', 'two admins remove each other', [upward, downward], result([ann], [cid], [downward]));
  log('senior', 'MB7', 'a junior removes a senior', [upward], result([bob], [cid], [upward]));
  const back = member(ann, [removal], ACTION.add(bob));
  log('return', 'MB8', 'an addition after the removal', [removal, back], result([ann], [bob, cid], [back]));
  const aside = by(ann, ACTION.add(bob, 1));
  log(
    'return-beside',
    'MB6',
    'an addition beside the removal',
    [removal, aside],
    result([ann], [cid], [removal, aside]),
  );
  const demotion = by(ann, ACTION.demote(bob));
  log(
    'demote',
    'MB9',
    'what the demoted did beside it',
    [demotion, beside],
    result([ann], [bob, cid], [demotion]),
  );
  const left = by(bob, ACTION.leave());
  log('leave', 'MB10', 'what the one who left did beside it', [left, beside], result([ann], [cid], [left]));
  const gone = [left, by(ann, ACTION.leave())];
  log('heir', 'MB11', 'no admin is left', gone, result([cid], [], gone));
  const heirs = member(cid, gone, ACTION.add(dan));
  log('heir-acts', 'MB11', 'the heir adds a member', [...gone, heirs], result([cid], [dan], [heirs]));
  const merge = member(cid, [name, other], ACTION.merge());
  log(
    'merge',
    'MB14',
    'branches brought together',
    [name, other, merge],
    result([ann, bob], [cid], [merge], title),
  );

  const thief = by(bob, ACTION.add(dan, 1), { by: bob.tablet });
  const followed = member(ann, [thief], ACTION.rename('After'));
  const end = cut(bob, [addCid]);
  const all = [thief, followed, end];
  log(
    'cut',
    'MB15',
    'an entry of a device that was cut',
    all,
    result([ann, bob], [cid], [followed, end], 'After'),
    [end],
  );
  log(
    'cut-idle',
    'MB15',
    'a cut that does not count',
    all,
    result([ann, bob, dan], [cid], [followed], 'After'),
  );
  const knowing = cut(bob, [thief]);
  log(
    'cut-knows',
    'MB15',
    'a cut that knows the entry',
    [thief, knowing],
    result([ann, bob, dan], [cid], [thief]),
    [knowing],
  );
  const foreign = cut(ann, [addCid], bob.tablet);
  log(
    'cut-foreign',
    'MB15',
    'a cut by another account',
    [thief, foreign],
    result([ann, bob, dan], [cid], [thief]),
    [foreign],
  );

  const refused = (what: string, rule: string, fault: string, ...entries: readonly Entry[]): void =>
    bad(what, rule, fault, 'LOG_ENTRY_REFUSED', input(entries));
  const after = (what: string, rule: string, fault: string, entry: Entry): void =>
    refused(what, rule, fault, ...FIRST, entry);
  refused(
    'genesis-signature',
    'MB1',
    'a genesis that another device signed',
    entryOf(genesis.unsigned, bob.phone),
  );
  after('chat', 'MB2', 'another chat', by(ann, ACTION.merge(), { log: seedOf('another chat') }));
  const unknown = member(ann, [addCid], ACTION.merge(), { at: AT + 9 });
  after('parent', 'MB2', 'a parent that is not in the log', member(ann, [unknown], ACTION.merge()));
  after('no-parent', 'MB2', 'no parent', member(ann, [], ACTION.merge()));
  after('past', 'MB2', 'an author of whom its past does not know', member(bob, [genesis], ACTION.merge()));
  after('stranger', 'MB2', 'an author who is no member', by(dan, ACTION.leave()));
  after(
    'account',
    'MB2',
    'a device of another account',
    by({ ...ann, account: bob.account }, ACTION.merge()),
  );
  after('signature', 'MB2', 'signed by another', by(ann, ACTION.merge(), { signer: bob.phone }));
  after('subject', 'MB2', 'a removal of somebody who was never a member', by(ann, ACTION.remove(dan)));
  after(
    'subject-past',
    'MB2',
    'a demotion of somebody whom its past does not know',
    member(ann, [genesis], ACTION.demote(bob)),
  );
  after('own', 'MB2', 'a removal of the own account', by(ann, ACTION.remove(ann)));
  after('member-adds', 'MB5', 'a member who adds', by(cid, ACTION.add(dan)));
  after('member-removes', 'MB5', 'a member who removes', by(cid, ACTION.remove(bob)));
  after('member-promotes', 'MB5', 'a member who promotes itself', by(cid, ACTION.promote(cid)));
  after('member-renames', 'MB5', 'a member who renames', by(cid, ACTION.rename('Mine')));
  refused(
    'heir-early',
    'MB11',
    'one who would inherit while there is an admin',
    ...FIRST,
    left,
    member(cid, [left], ACTION.add(dan)),
  );
  refused('heir-other', 'MB11', 'not the most senior member', ...FIRST, tablet, ...leaving(tablet));
  after('cut-heads', 'MB15', 'a cut under heads that are not in the log', cut(bob, [unknown]));
};

/** Both admins leave after an entry; then a member who is not the heir acts. */
const leaving = (tip: Entry): Entry[] => {
  const first = member(ann, [tip], ACTION.leave());
  const second = member(bob, [first], ACTION.leave());
  return [first, second, member(dan, [second], ACTION.rename('Mine'))];
};

const addHeads = ({ good }: Layer): void => {
  const removal = member(ann, [addCid], ACTION.remove(bob));
  const beside = member(bob, [addCid], ACTION.add(dan), { by: bob.tablet });
  const followed = member(ann, [beside], ACTION.rename('After'));
  const end = cut(bob, [addCid]);
  const entries = [...FIRST, removal, beside, followed, end];
  const at = (
    name: string,
    heads: readonly Entry[],
    members: ReturnType<typeof people>,
    note: string,
  ): void => good(name, 'MB16', { ...input(entries), heads: hashes(...heads) }, { members }, note);
  at('genesis', [genesis], people([ann], []), 'the first entry');
  at('branch', [beside], people([ann, bob], [cid, dan]), 'one branch alone');
  at('both', [beside, removal], people([ann], [cid]), 'both branches');
  at('followed', [followed], people([ann, bob], [cid, dan]), 'without the cut');
  at('cut', [followed, end], people([ann, bob], [cid]), 'with the cut, which is said not to count');
};

const addRulings = ({ good }: Layer): void => {
  const chains = [join(bob.phone.id, list([chain('page-0', 7, 3)]))];
  const removal = member(ann, [addCid], ACTION.remove(bob, chains));
  const back = member(ann, [removal], ACTION.add(bob));
  const left = member(bob, [back], ACTION.leave());
  const rules = (
    name: string,
    entries: readonly Entry[],
    heads: readonly Entry[],
    ruling: Entry | null,
    note: string,
  ): void =>
    good(
      name,
      'MB17',
      { ...input([...FIRST, ...entries]), account: hex(bob.account), heads: hashes(...heads) },
      { ruling: ruling && hex(ruling.hash) },
      note,
    );
  rules('none', [], [addCid], null, 'no removal');
  rules('removal', [removal], [addCid], removal, 'under heads of before');
  rules('returned', [removal, back], [back], null, 'under heads that know of the return');
  rules('stale', [removal, back], [removal], removal, 'under heads that do not');
  rules('again', [removal, back, left], [back], left, 'a leave after the return');
};

addEntries(layer('entry'));
addLogs(layer('log'));
addHeads(layer('at'));
addRulings(layer('ruling'));

/** All vectors by name. */
export const membershipVectors = vectors;

writeIfMain(import.meta.url, vectors);
