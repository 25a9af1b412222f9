// Two people's hands while a device is linked: one shows a code, the other scans it, digits are typed, and mistyped.
import type { LinkRequest, LinkSession } from '@sealwire/core';
import type { SimDevice } from './device.ts';
import type { Dice, World } from './world.ts';

export interface Linking {
  readonly world: World;
  readonly dice: Dice;
  readonly phone: SimDevice;
  readonly newcomer: SimDevice;
  /** The digits are typed wrong. */
  readonly mistypes: boolean;
}

/** Starts linking; `over` is told how it ended. It may fail for many reasons, of which a wrong digit is one. */
export const startLinking = (
  linking: Linking,
  over: (outcome: 'done' | 'failed' | 'mistyped') => void,
): void => {
  const { world, dice, phone, newcomer, mistypes } = linking;
  const request = newcomer.link();
  let session: LinkSession | undefined;
  let typed = false;
  world.note(newcomer.name, 'asks to be linked');

  const look = (): void => {
    const outcome = outcomeOf(linking, request, session);
    if (outcome !== undefined) {
      const named = outcome === 'failed' && typed && mistypes ? 'mistyped' : outcome;
      world.note(newcomer.name, `linking ended: ${named} ${reasonOf(request)}`);
      over(named);
      return;
    }
    const asked = request.state.get();
    if (asked.step === 'code' && !session) session = phone.device?.link(asked.code);
    const shown = session?.state.get();
    if (asked.step === 'type-digits' && shown?.step === 'digits' && !typed) {
      typed = true;
      request.submitDigits(mistypes ? otherThan(shown.digits, dice) : shown.digits);
    }
    if (shown?.step === 'confirm') {
      if (mistypes) world.fail(`${phone.name} asks to confirm a device on which other digits were typed`);
      session?.confirm(newcomer.name);
    }
    world.after(dice.between(200, 1_500), look);
  };
  world.after(dice.between(200, 1_500), look);
};

const outcomeOf = (
  { phone, newcomer }: Linking,
  request: LinkRequest,
  session: LinkSession | undefined,
): 'done' | 'failed' | undefined => {
  if (newcomer.life === 'on') return 'done';
  if (newcomer.life !== 'linking') return 'failed';
  const { step } = request.state.get();
  if (step === 'failed') return 'failed';
  // Without its phone a link waits for its time to run out; nobody in front of it would.
  const phoneIsGone = step === 'code' && !session && phone.life !== 'on';
  if (phoneIsGone || session?.state.get().step === 'failed') request.cancel();
  return undefined;
};

const reasonOf = (request: LinkRequest): string => {
  const state = request.state.get();
  return state.step === 'failed' ? state.error.code : state.step;
};

const otherThan = (digits: string, dice: Dice): string => {
  const at = dice.int(digits.length);
  const digit = (Number(digits[at]) + dice.between(1, 9)) % 10;
  return `${digits.slice(0, at)}${digit}${digits.slice(at + 1)}`;
};
