// Runs every vector of linking through the layer that must accept or refuse it. Rules: spec/link.md; each vector
// names its own.
import { readdirSync, readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromHex, SealwireError, toHex } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signEd25519 } from '#native';
import type { Platform } from '../src/api.ts';
import { hpkeKeyPairOf, hpkeSender } from '../src/crypto/hpke.ts';
import { type Suite, suiteOfPublicKey } from '../src/crypto/suites.ts';
import { linkInfo, openNewDeviceChannel, phoneChannel } from '../src/link/channel.ts';
import { openLinkCell, parseLinkCode } from '../src/link/code.ts';
import { transcriptsOf } from '../src/link/machine.ts';
import { decodeLinkMessage, encodeLinkMessage } from '../src/link/messages.ts';
import { type NewDeviceEvent, startNewDevice, stepNewDevice } from '../src/link/new-device.ts';
import { type PhoneEvent, startPhone, stepPhone } from '../src/link/phone.ts';
import { startTranscript } from '../src/link/transcript.ts';
import { verify } from './link-kit.ts';

const FOLDER = new URL('../../../spec/vectors/link/', import.meta.url);
const test = suite('link vectors');

type Input = Readonly<Record<string, string>>;
interface Step {
  readonly message?: string;
  readonly crossed?: true;
  readonly confirmed?: string;
  readonly offer?: string;
  readonly bundle?: string;
  readonly typed?: string;
  readonly acceptance?: string;
  readonly stored?: true;
}
interface Vector {
  readonly format: number;
  readonly rule: string;
  readonly layer: keyof typeof LAYERS;
  readonly refuse: string | null;
  readonly input: Input & { readonly events?: readonly Step[] };
  readonly expect: Readonly<Record<string, unknown>>;
}

/** The hexadecimal bytes of a field. */
const bytes = (input: Input, name: string): Uint8Array => fromHex(input[name] ?? assert.unreachable(name)!);

const identity = (seed: Uint8Array) => ({
  publicKey: ed25519.getPublicKey(seed),
  tools: { sign: (message: Uint8Array) => signEd25519(seed, message), verify },
});

const hexOf = (fields: object): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, toHex(value as Uint8Array)]));

/** The event of a step that is no message, or a message opened under a transcript of the state. */
const eventOf = (state: object, step: Step): object => {
  const { message, crossed, confirmed, offer, bundle, typed, acceptance } = step;
  if (message !== undefined) {
    return { type: 'message', plaintext: fromHex(message), aad: transcriptsOf(state)[crossed ? 1 : 0] };
  }
  if (confirmed !== undefined) return { type: 'confirmed', deviceName: confirmed };
  if (offer !== undefined) return { type: 'offer', offer: fromHex(offer) };
  if (bundle !== undefined) return { type: 'bundle', bundle: fromHex(bundle) };
  if (typed !== undefined) return { type: 'typed', digits: typed };
  if (acceptance !== undefined) return { type: 'acceptance', acceptance: fromHex(acceptance) };
  return { type: 'stored' };
};

/** Runs a machine to its end. @throws the error that it failed with. */
const play = <State extends { readonly step: string; readonly error?: SealwireError }>(
  first: { readonly state: State; readonly effects: readonly object[] },
  events: readonly ((state: State) => object)[],
  step: (state: State, event: object) => { readonly state: State; readonly effects: readonly object[] },
) => {
  let { state } = first;
  const effects = [...first.effects];
  for (const event of events) {
    const next = step(state, event(state));
    state = next.state;
    effects.push(...next.effects);
  }
  const released = effects.some((effect) => 'type' in effect && effect.type === 'release-keys');
  if (state.error) {
    assert.not.ok(released, 'keys were released');
    throw state.error;
  }
  const sends = effects.flatMap((effect) =>
    'plaintext' in effect ? [toHex(effect.plaintext as Uint8Array)] : [],
  );
  return { step: state.step, sends };
};

const LAYERS = {
  code: async (input: Input) => hexOf(parseLinkCode(input.text ?? '')),
  cell: async (input: Input) => {
    const { suite, ...keys } = openLinkCell(parseLinkCode(input.code ?? ''), bytes(input, 'cell'));
    return suite === 1 ? hexOf(keys) : { suite, ...hexOf(keys) };
  },
  message: async (input: Input) => {
    const message = decodeLinkMessage(bytes(input, 'plaintext'));
    assert.is(toHex(encodeLinkMessage(message)), input.plaintext);
    return { type: message.type };
  },
  channel: async (input: Input) => {
    const start = startTranscript(bytes(input, 'code'), bytes(input, 'cell'));
    const suite = bytes(input, 'cell')[0] as Suite;
    const keys = await hpkeKeyPairOf(suite, bytes(input, 'oneTimeSeed'));
    const sealed = bytes(input, 'sealed');
    const channel =
      input.direction === 'to the phone'
        ? await phoneChannel(
            await hpkeSender(keys.publicKey, linkInfo(start), suite, bytes(input, 'ephemeralSeed')),
          )
        : await openNewDeviceChannel(keys, start, sealed);
    const opened = await channel?.open(sealed, [bytes(input, 'aad')]);
    if (!channel || !opened) throw new SealwireError('LINK_TAMPERED', 'it did not open');
    return hexOf({ plaintext: opened.plaintext, macKey: channel.macKey });
  },
  phone: async (input: Input & { readonly events?: readonly Step[] }) => {
    const { publicKey, tools } = identity(bytes(input, 'phoneSeed'));
    const setup = {
      code: parseLinkCode(input.code ?? ''),
      relayId: bytes(input, 'relayId'),
      accountRoot: bytes(input, 'accountRoot'),
      accountSuite: (input.accountSuite ?? 1) as unknown as Suite,
      phoneKey: publicKey,
      digits: input.digits ?? '',
      opening: bytes(input, 'opening'),
    };
    const before = [
      { type: 'found', payload: bytes(input, 'cell') },
      { type: 'channel', macKey: bytes(input, 'macKey') },
    ];
    return play(
      startPhone(setup),
      [...before.map((event) => () => event), ...stepsOf(input)],
      (state, event) => stepPhone(state, event as PhoneEvent, tools),
    );
  },
  'new-device': async (input: Input & { readonly events?: readonly Step[] }) => {
    const { publicKey, tools } = identity(bytes(input, 'identitySeed'));
    const setup = {
      code: parseLinkCode(input.code ?? ''),
      suite: suiteOfPublicKey(bytes(input, 'oneTimeKey'))!,
      oneTimeKey: bytes(input, 'oneTimeKey'),
      identityKey: publicKey,
      relayKey: bytes(input, 'relayKey'),
      hpkeKey: bytes(input, 'hpkeKey'),
      ...(input.hpkeKey2 && { hpkeKey2: bytes(input, 'hpkeKey2') }),
      deviceName: input.deviceName ?? '',
      platform: input.platform as Platform,
    };
    const before = [
      { type: 'opened', expiresAt: 1 },
      { type: 'joined' },
      { type: 'channel', macKey: bytes(input, 'macKey') },
    ];
    return play(
      startNewDevice(setup),
      [...before.map((event) => () => event), ...stepsOf(input)],
      (state, event) => stepNewDevice(state, event as NewDeviceEvent, tools),
    );
  },
};

const stepsOf = (input: { readonly events?: readonly Step[] }) =>
  (input.events ?? []).map((step) => (state: object) => eventOf(state, step));

const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

for (const name of names) {
  const vector = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Vector;
  test(`[${vector.rule}] ${name}`, async () => {
    assert.is(vector.format, 1);
    let result: unknown;
    try {
      result = await LAYERS[vector.layer](vector.input);
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      assert.is(error.code, vector.refuse);
      return;
    }
    assert.is(vector.refuse, null, 'it was accepted');
    assert.equal(result, vector.expect);
  });
}

test('there are vectors for every layer, good ones and bad ones', () => {
  assert.ok(names.length >= 40, `${names.length} vectors`);
  for (const layer of Object.keys(LAYERS)) {
    const own = names.filter((name) => name.startsWith(`${layer}-`));
    assert.ok(own.length >= 5, `${layer}: ${own.length}`);
  }
});

test.run();
