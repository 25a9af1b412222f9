// Other people: they meet, make chats together, take each other in and out, and leave. Rules: spec/chats.md,
// spec/membership.md.
import { SealwireError } from '@sealwire/protocol';
import type { SimDevice } from './device.ts';
import { present } from './faults.ts';
import type { Place } from './ledger.ts';
import type { Household, Stage } from './stage.ts';
import { SimFailure } from './world.ts';

const PEOPLE = ['Bea', 'Cleo', 'Dan'] as const;
/** How often everybody is asked who is a member. */
const LOOK_MS = 500;
/** Looks in a row that find the one who removed somebody at rest: then what comes later does not count. */
const RESTING_LOOKS = 4;
const MEETING_MS = 120_000;

/** Neighbours with a phone each appear, and all people become each other's contacts. @throws SimFailure */
export const gather = async (stage: Stage, count: number): Promise<void> => {
  const { world, neighbours, phone } = stage;
  for (const person of PEOPLE.slice(0, count)) {
    const device = stage.newDevice(`${person.toLowerCase()}-phone`);
    device.create(person);
    neighbours.push({ person, phone: device, devices: [device] });
  }
  const phones = [phone, ...neighbours.map((household) => household.phone)];
  const areOnline = () => phones.every(({ device }) => device?.status.get().connection === 'online');
  await world.run(world.now() + MEETING_MS, areOnline);
  for (const [i, asker] of phones.entries()) for (const owner of phones.slice(0, i)) void ask(asker, owner);
  const accept = (): void => {
    for (const { device } of phones)
      for (const { id } of device?.requests.get() ?? []) void device?.acceptRequest(id);
    if (!haveMet()) world.after(LOOK_MS, accept);
  };
  const haveMet = (): boolean => phones.every((device) => knownTo(device).length === phones.length - 1);
  accept();
  if (!(await world.run(world.now() + MEETING_MS, haveMet)))
    throw new SimFailure('people who showed each other their cards did not become contacts');
};

const ask = async (asker: SimDevice, owner: SimDevice): Promise<void> => {
  const card = await owner.device!.createCard();
  await asker.device!.addContact(card);
};

/** Account ids of the contacts that can be written to. */
const knownTo = ({ device }: SimDevice): string[] =>
  (device?.contacts.get() ?? [])
    .filter(({ state, devices }) => state === 'known' && devices > 0)
    .map(({ accountId }) => accountId);

/** Whom somebody makes a chat with; nobody, when there is nobody. */
export const guests = ({ story }: Stage, who: SimDevice): string[] =>
  knownTo(who).filter(() => story.chance(0.75));

/** Somebody changes who is in a chat. @returns false if there is nothing to change at the moment. */
export const meddle = (stage: Stage): boolean => {
  const { world, story } = stage;
  const on = present(stage).filter(({ device }) => device);
  if (on.length === 0) return false;
  const who = story.pick(on);
  const chats = who.device!.chats.get();
  if (chats.length === 0) return false;
  const { id } = story.pick(chats);
  const members = who.chat(id)?.members.get() ?? [];
  const me = members.find(({ isMe }) => isMe);
  const others = members.filter(({ isMe }) => !isMe).map(({ accountId }) => accountId);
  if (!me || stage.ledger.chatOf(id) === undefined) return false;
  const strangers = knownTo(who).filter((account) => !others.includes(account));
  const what = story.int(100);
  if (what < 45 && strangers.length > 0)
    change(stage, who, id, { act: 'adds', account: story.pick(strangers), me: me.role });
  else if (what < 70 && others.length > 0)
    change(stage, who, id, { act: 'removes', account: story.pick(others), me: me.role });
  else if (what < 85 && others.length > 0)
    change(stage, who, id, { act: 'promotes', account: story.pick(others), me: me.role });
  else if (what < 92 && others.length > 0)
    change(stage, who, id, { act: 'leaves', account: who.account, me: me.role });
  else return false;
  world.count('changes of members tried');
  return true;
};

interface Change {
  readonly act: 'adds' | 'removes' | 'promotes' | 'leaves';
  readonly account: string;
  /** The role of whoever wishes it, as shown to them. */
  readonly me: 'admin' | 'member';
}

const change = (stage: Stage, who: SimDevice, id: string, { act, account, me }: Change): void => {
  const { world, story } = stage;
  const chat = who.chat(id)!;
  const name = nameOf(stage, account);
  world.note(who.name, `${act} ${name} in ${chat.title}`);
  if (act !== 'promotes' && (me === 'admin' || act === 'leaves')) touch(stage, who, id, account, act);
  const wish = {
    adds: () => chat.addMember(account, { shareHistory: story.chance(0.3) }),
    removes: () => chat.removeMember(account),
    promotes: () => chat.promote(account),
    leaves: () => chat.leave(),
  }[act];
  wish().then(
    () => {
      if (me !== 'admin' && act !== 'leaves') {
        // Roles may have changed between the look at them and the wish.
        const now = chat.members.get().find(({ isMe }) => isMe);
        if (now?.role !== 'admin') world.fail(`${who.name} ${act} ${name} and is no admin`);
        if (act !== 'promotes') touch(stage, who, id, account, act);
      }
      world.count(`members: ${who.name === name ? 'one' : 'somebody'} ${act}`);
    },
    (error: unknown) => {
      if (!(error instanceof SealwireError) && !(error instanceof RangeError)) throw error;
      world.note(who.name, `${act} nobody: ${(error as SealwireError).code ?? error.message}`);
    },
  );
};

const nameOf = ({ phone, neighbours }: Stage, account: string): string =>
  phone.account === account
    ? 'Ada'
    : (neighbours.find((household) => household.phone.account === account)?.person ?? account);

/** From the wish on, nobody can say whether an account is a member, until all know. */
const touch = (
  stage: Stage,
  who: SimDevice,
  id: string,
  account: string,
  act: 'adds' | 'removes' | 'leaves',
): void => {
  const { world, ledger } = stage;
  const chat = ledger.chatOf(id)!;
  const place = ledger.touched(chat, account);
  if (act === 'leaves') return;
  let resting = 0;
  const look = (): void => {
    if (chat.places.get(account) !== place) return; // Somebody wished something else since.
    const founders = present(stage).filter(({ account: of }) => isSteady(chat.places.get(of)));
    const inside = (device: SimDevice) =>
      device
        .chat(id)
        ?.members.get()
        .some(({ accountId }) => accountId === account);
    if (act === 'adds') {
      const newcomers = present(stage).filter(({ account: of }) => of === account);
      if (
        founders.length > 0 &&
        [...founders, ...newcomers].every((device) => has(device, id) && inside(device))
      ) {
        place.since = world.now();
        world.count('members: all know of a new one');
        return;
      }
    } else {
      const know =
        founders.length > 0 && founders.every((device) => has(device, id) && inside(device) === false);
      const { connection, pending } = who.device?.status.get() ?? {};
      resting = know && connection === 'online' && pending === 0 ? resting + 1 : 0;
      if (resting >= RESTING_LOOKS && isSteady(chat.places.get(who.account))) {
        place.outAt = world.now();
        world.note(nameOf(stage, account), `is known by all to be out of ${chat.title}`);
        world.count('members: all know of a removal');
        return;
      }
    }
    world.after(LOOK_MS, look);
  };
  world.after(LOOK_MS, look);
};

const isSteady = (place: Place | undefined): boolean =>
  place !== undefined && place.since !== Number.POSITIVE_INFINITY;

const has = ({ device }: SimDevice, id: string): boolean =>
  device?.chats.get().some((chat) => chat.id === id) ?? false;

/** Those of whom nobody doubts that they are members show the same members, in the same roles. @throws SimFailure */
export const checkMembers = async (stage: Stage, devices: readonly SimDevice[]): Promise<void> => {
  const { ledger, world } = stage;
  for (const { id, title, isDoubtful, state } of ledger.chats.values()) {
    if (id === undefined || isDoubtful || state !== 'stored') continue;
    const lists = new Map<string, string>();
    for (const device of devices) {
      if (!isSteady(ledger.placeOf(id, device.id)) || !has(device, id)) continue;
      device.chat(id);
      await world.settle();
      const list = device.chat(id)!.members.get();
      lists.set(
        device.name,
        list.map(({ accountId, role }) => `${nameOf(stage, accountId)} ${role}`).join(', '),
      );
    }
    if (new Set(lists.values()).size > 1)
      throw new SimFailure(
        `${title} has different members: ${[...lists].map((pair) => pair.join(': ')).join('; ')}`,
      );
    if (lists.size > 1) world.count('chats whose members all devices agree on');
  }
};

/** The devices that must be at rest: everybody's. */
export const everybody = ({ devices, neighbours }: Stage): SimDevice[] => [
  ...devices,
  ...neighbours.flatMap((household: Household) => household.devices),
];
