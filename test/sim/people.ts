// What people do in a run: write, delete, make chats, back up their devices, link new ones.
import type { SimDevice } from './device.ts';
import { present } from './faults.ts';
import { startLinking } from './linking.ts';
import { everybody, guests } from './society.ts';
import type { Household, Stage } from './stage.ts';

/** Chats of one run: enough that frames of several rooms cross, few enough that people meet in them. */
const MOST_CHATS = 4;

/** One person does one thing. */
export const act = (stage: Stage): void => {
  const { ledger, story, world } = stage;
  const on = present(stage).filter(({ device }) => device);
  if (on.length === 0) return;
  const who = story.pick(on);
  const chats = who.device!.chats.get();
  const what = story.int(100);
  if (chats.length === 0 || what < 4) {
    if (ledger.chats.size < MOST_CHATS && who.createChat(guests(stage, who))) world.count('chats made');
    return;
  }
  const chat = story.pick(chats).id;
  if (what < 75) {
    const words = story.chance(0.08) ? story.between(4, 10) : 1;
    for (let i = 0; i < words; i++) if (who.say(chat)) world.count('words said');
  } else if (what < 88) {
    if (who.delete(chat)) world.count('words deleted');
  } else if (what < 93) who.leaveChat(chat);
  else if (what < 95) {
    if (who.loadForeign(chat)) world.count('foreign edits');
  } else who.copy();
};

/** Begins to link a device, if the phone can. It joins the others as soon as it is one of them. */
export const linkOne = (
  stage: Stage,
  name: string,
  joined: (device: SimDevice) => void = () => undefined,
  { phone, devices }: Pick<Household, 'phone' | 'devices'> = stage,
): boolean => {
  const { story, world } = stage;
  if (phone.device?.status.get().connection !== 'online') return false;
  const newcomer = stage.newDevice(name);
  const mistypes = story.chance(0.12);
  startLinking({ world, dice: story, phone, newcomer, mistypes }, (outcome) => {
    world.count(`linking ${outcome}`);
    if (newcomer.id === '') return;
    devices.push(newcomer);
    joined(newcomer);
  });
  return true;
};

/** Everybody says one more thing everywhere: what was withheld before shows by what comes after it. */
export const lastWords = async (stage: Stage): Promise<void> => {
  const { world } = stage;
  for (const device of everybody(stage))
    for (const { id } of device.device?.chats.get() ?? []) {
      device.chat(id);
      await world.settle();
      device.say(id);
    }
};
