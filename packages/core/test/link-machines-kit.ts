// The two machines of linking without a channel, for tests: every state of an honest link, and what honest or lying
// peers say in it. Rules: spec/link.md §5 and §6.
import * as assert from 'uvu/assert';
import { encodeLinkCell, hashOfCell } from '../src/link/code.ts';
import { approvalOf, type LinkEvent, possessionOf, transcriptsOf } from '../src/link/machine.ts';
import {
  answerFront,
  decodeLinkMessage,
  encodeLinkMessage,
  type LinkMessage,
  offerFront,
} from '../src/link/messages.ts';
import {
  type NewDeviceEvent,
  type NewDeviceState,
  startNewDevice,
  stepNewDevice,
} from '../src/link/new-device.ts';
import { type PhoneEvent, type PhoneState, startPhone, stepPhone } from '../src/link/phone.ts';
import { macOfDigits } from '../src/link/proof.ts';
import { statementOf } from '../src/link/transcript.ts';
import { ACCOUNT_ROOT, bytesOf, identityOf, RELAY_ID, verify } from './link-kit.ts';

export const PHONE = identityOf('phone');
export const NEW_DEVICE = identityOf('new device');
export const MAC_KEY = bytesOf('mac key');
export const DIGITS = '012345';
export const PHONE_TOOLS = { sign: PHONE.sign, verify };
export const NEW_TOOLS = { sign: NEW_DEVICE.sign, verify };
export const KEYS = { suite: 1, oneTimeKey: bytesOf('one-time'), identityKey: NEW_DEVICE.publicKey } as const;
export const CELL = encodeLinkCell(KEYS);
export const CODE = { rendezvousId: bytesOf('cell', 16), relayId: RELAY_ID, hash: hashOfCell(CELL) };
export const PHONE_SETUP = {
  code: CODE,
  relayId: RELAY_ID,
  accountRoot: ACCOUNT_ROOT,
  phoneKey: PHONE.publicKey,
  digits: DIGITS,
  opening: bytesOf('opening'),
};
export const PROPOSAL = {
  deviceName: 'laptop',
  platform: 'web',
  relayKey: bytesOf('relay key'),
  hpkeKey: bytesOf('hpke key'),
} as const;
export const NEW_SETUP = { ...KEYS, ...PROPOSAL, code: CODE };

export const step = (state: PhoneState, event: PhoneEvent) => stepPhone(state, event, PHONE_TOOLS);
export const stepNew = (state: NewDeviceState, event: NewDeviceEvent) =>
  stepNewDevice(state, event, NEW_TOOLS);

/** A message of the peer, as the channel would hand it over. */
export const said = (
  state: object,
  message: LinkMessage,
  transcript = 0,
): LinkEvent & { type: 'message' } => ({
  type: 'message',
  plaintext: encodeLinkMessage(message),
  aad: transcriptsOf(state)[transcript] ?? new Uint8Array(32),
});

/** The plaintexts that a step sends. */
export const sent = (effects: readonly { readonly type: string }[]): LinkMessage[] =>
  effects.flatMap((effect) =>
    effect.type === 'send'
      ? [decodeLinkMessage((effect as unknown as { plaintext: Uint8Array }).plaintext)]
      : [],
  );

export const codeOf = (state: PhoneState | NewDeviceState): string =>
  state.step === 'failed' ? state.error.code : state.step;

/** What an honest new device answers in a transcript; a lying one changes a part. */
export const answerTo = (
  state: PhoneState,
  digits = DIGITS,
  lie: Partial<typeof PROPOSAL> = {},
): LinkMessage => {
  const statement = statementOf(transcriptsOf(state)[0]!, answerFront({ ...PROPOSAL, ...lie }));
  return {
    type: 'answer',
    ...PROPOSAL,
    ...lie,
    possession: NEW_DEVICE.sign(possessionOf(statement)),
    mac: macOfDigits(MAC_KEY, digits, statement),
  };
};

/** Every state of an honest phone, in order, each with the event that leads on. */
export const honestPhone = (): { state: PhoneState; event: PhoneEvent }[] => {
  const path: { state: PhoneState; event: PhoneEvent }[] = [];
  let { state } = startPhone(PHONE_SETUP);
  const on = (event: PhoneEvent): void => {
    path.push({ state, event });
    state = step(state, event).state;
  };
  on({ type: 'found', payload: CELL });
  on({ type: 'channel', macKey: MAC_KEY });
  on(said(state, answerTo(state)));
  on({ type: 'confirmed', deviceName: 'kitchen' });
  on({ type: 'offer', offer: bytesOf('offer', 40) });
  on(said(state, { type: 'acceptance', acceptance: bytesOf('acceptance', 64) }));
  on({ type: 'bundle', bundle: bytesOf('bundle', 99) });
  on(said(state, { type: 'done' }));
  assert.is(state.step, 'done');
  return path;
};

/** As {@link honestPhone} for the new device; its messages come from a phone machine. */
export const honestNewDevice = (): { state: NewDeviceState; event: NewDeviceEvent }[] => {
  const path: { state: NewDeviceState; event: NewDeviceEvent }[] = [];
  const ofPhone = honestPhone().flatMap(({ state, event }) => sent(step(state, event).effects));
  let { state } = startNewDevice(NEW_SETUP);
  const on = (event: NewDeviceEvent): void => {
    path.push({ state, event });
    state = stepNew(state, event).state;
  };
  on({ type: 'opened', expiresAt: 9 });
  on({ type: 'joined' });
  on({ type: 'channel', macKey: MAC_KEY });
  on(said(state, ofPhone[0]!));
  on({ type: 'typed', digits: DIGITS });
  on(said(state, ofPhone[1]!));
  on({ type: 'acceptance', acceptance: bytesOf('acceptance', 64) });
  on(said(state, ofPhone[2]!));
  on({ type: 'stored' });
  assert.is(state.step, 'done');
  return path;
};

export const stateOf = <S extends PhoneState['step']>(name: S): Extract<PhoneState, { step: S }> =>
  honestPhone().find(({ state }) => state.step === name)!.state as Extract<PhoneState, { step: S }>;

export const newStateOf = <S extends NewDeviceState['step']>(name: S): Extract<NewDeviceState, { step: S }> =>
  honestNewDevice().find(({ state }) => state.step === name)!.state as Extract<NewDeviceState, { step: S }>;

/** What an honest phone offers in a transcript; a lying one changes a part and signs that. */
export const offerIn = (state: NewDeviceState, lie: { opening?: Uint8Array } = {}) => {
  const front = { opening: PHONE_SETUP.opening, offer: bytesOf('offer', 40), ...lie };
  const statement = statementOf(transcriptsOf(state)[0]!, offerFront(front));
  return { type: 'offer', ...front, approval: PHONE.sign(approvalOf(statement)) } as const;
};

export const someMessages = (): LinkMessage[] => [
  { type: 'hello', accountRoot: bytesOf('a'), phoneKey: bytesOf('b'), commitment: bytesOf('c') },
  { type: 'answer', ...PROPOSAL, possession: bytesOf('p', 64), mac: bytesOf('m') },
  { type: 'offer', opening: bytesOf('o'), offer: bytesOf('f', 9), approval: bytesOf('g', 64) },
  { type: 'acceptance', acceptance: bytesOf('a', 64) },
  { type: 'bundle', bundle: bytesOf('b', 9) },
  { type: 'done' },
  { type: 'abort', reason: 'LINK_CANCELLED' },
];
