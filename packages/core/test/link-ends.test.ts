// How a link ends when somebody leaves, at every step of it: both sides say why, and no key leaves.
// Rules: spec/link.md §7.
import type { ErrorCode } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseLinkCode } from '../src/link/code.ts';
import {
  createScene,
  outcome,
  PHASES,
  type Phase,
  type Phone,
  playTo,
  type Scene,
  until,
} from './link-kit.ts';

const test = suite('link ends');

const STEPS = PHASES.filter((phase) => phase !== 'done');
const LATER = STEPS.filter((phase) => phase !== 'code');

interface Ending {
  readonly name: string;
  readonly act: (scene: Scene, phone: Phone) => void | Promise<void>;
  readonly code: ErrorCode;
}

const idOf = (scene: Scene): Uint8Array => parseLinkCode(scene.shownCode).rendezvousId;

const ENDINGS: readonly Ending[] = [
  { name: 'the phone cancels', act: (_scene, phone) => phone.cancel(), code: 'LINK_CANCELLED' },
  { name: 'the new device cancels', act: (scene) => scene.newDevice.cancel(), code: 'LINK_CANCELLED' },
  { name: 'the person refuses', act: (_scene, phone) => phone.refuse(), code: 'LINK_REFUSED' },
  { name: 'time is over', act: (scene) => scene.timers.advance(180_000), code: 'LINK_CODE_EXPIRED' },
  {
    name: 'somebody else joins',
    act: async (scene) => {
      const refused = await scene.relay
        .connect()
        .join(idOf(scene))
        .catch((error: { code: ErrorCode }) => error.code);
      assert.is(refused, 'RENDEZVOUS_SECOND_JOINER');
    },
    code: 'LINK_SECOND_JOINER',
  },
  {
    name: 'the cell is gone',
    act: (scene) => scene.relay.end(nameOf(scene), 'RENDEZVOUS_PEER_LEFT'),
    code: 'LINK_PEER_LEFT',
  },
  {
    name: 'the connection is gone',
    act: (scene) => scene.relay.end(nameOf(scene), 'RELAY_UNREACHABLE'),
    code: 'RELAY_UNREACHABLE',
  },
  {
    name: 'too much went through the cell',
    act: (scene) => scene.relay.end(nameOf(scene), 'RENDEZVOUS_FULL'),
    code: 'RENDEZVOUS_FULL',
  },
];

const nameOf = (scene: Scene): string => Buffer.from(idOf(scene)).toString('hex');

for (const { name, act, code } of ENDINGS) {
  test(`[LK40] ${name}, at every step: both sides say ${code}, and it stays so`, async () => {
    for (const phase of LATER) {
      const scene = createScene();
      const phone = await playTo(scene, phase);
      await act(scene, phone);
      assert.is(await outcome(phone.state), code, `phone, ${phase}`);
      assert.is(await outcome(scene.newDevice.state), code, `new device, ${phase}`);
      await assertOver(scene, phone, phase);
    }
  });
}

test('[LK40] before a phone has scanned: cancelled, expired, or gone', async () => {
  const endings: [(scene: Scene) => void, ErrorCode][] = [
    [(scene) => scene.newDevice.cancel(), 'LINK_CANCELLED'],
    [(scene) => scene.timers.advance(60_000), 'LINK_CODE_EXPIRED'],
    [(scene) => scene.relay.end(nameOf(scene), 'RELAY_UNREACHABLE'), 'RELAY_UNREACHABLE'],
  ];
  for (const [act, code] of endings) {
    const scene = createScene();
    await playTo(scene, 'code');
    act(scene);
    assert.is(await outcome(scene.newDevice.state), code);
    const phone = scene.scan(scene.shownCode);
    const afterwards = await outcome(phone.state);
    assert.ok(['LINK_PEER_LEFT', 'LINK_CODE_EXPIRED', 'RELAY_UNREACHABLE'].includes(afterwards), afterwards);
    assert.is(scene.gates.makeOffer.calls, 0);
  }
});

test('[LK41] a stranger who scanned first: the phone that scans second ends it for all', async () => {
  const scene = createScene();
  await playTo(scene, 'code');
  const stranger = scene.scan(scene.shownCode);
  await until(stranger.state, 'digits');
  const phone = scene.scan(scene.shownCode);
  for (const side of [phone.state, stranger.state, scene.newDevice.state]) {
    assert.is(await outcome(side), 'LINK_SECOND_JOINER');
  }
  assert.is(scene.gates.makeOffer.calls + scene.gates.releaseKeys.calls, 0);
});

test('[LK40] a phone that cancels while it still joins leaves no cell behind', async () => {
  const scene = createScene();
  await playTo(scene, 'code');
  const phone = scene.scan(scene.shownCode);
  assert.is(phone.state.get().step, 'connecting');
  phone.cancel();
  assert.is(await outcome(phone.state), 'LINK_CANCELLED');
  assert.is(await outcome(scene.newDevice.state), 'LINK_PEER_LEFT', 'there was no channel to say it through');
  assert.is(scene.relay.cells, 0);
});

test('[LK40] a new device that cancels while its cell is being opened leaves none behind', async () => {
  const scene = createScene();
  assert.is(scene.newDevice.state.get().step, 'connecting');
  scene.newDevice.cancel();
  assert.is(await outcome(scene.newDevice.state), 'LINK_CANCELLED');
  await settle();
  assert.is(scene.relay.cells, 0);
});

test('[LK3] both sides end by their own clocks when the relay keeps silent', async () => {
  for (const phase of LATER) {
    const scene = createScene({ lives: { openMs: 1e9, totalMs: 1e9 } });
    const phone = await playTo(scene, phase);
    scene.relay.tap = () => undefined;
    scene.timers.advance(180_000);
    assert.is(await outcome(phone.state), 'LINK_CODE_EXPIRED', phase);
    assert.is(await outcome(scene.newDevice.state), 'LINK_CODE_EXPIRED', phase);
  }
});

test('[LK43] after the keys were sent, the error on the phone says so; before, it does not', async () => {
  for (const phase of LATER) {
    const scene = createScene();
    const phone = await playTo(scene, phase);
    scene.newDevice.cancel();
    const end = await until(phone.state, 'failed');
    assert.is(end.error.message.includes('keys were already sent'), phase === 'storing', phase);
  }
});

test('[LK40] the sentences differ by side, and each is one sentence with what to do next', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'confirm');
  scene.newDevice.cancel();
  const onPhone = (await until(phone.state, 'failed')).error.message;
  const here = (await until(scene.newDevice.state, 'failed')).error.message;
  assert.is(onPhone, 'Linking was cancelled on the new device; show a new code there to start again.');
  assert.is(here, 'You cancelled linking; show a new code to start again.');
});

test.run();

/** [LK42] Nothing happens any more, even if held callbacks come back now. */
const assertOver = async (scene: Scene, phone: Phone, phase: Phase): Promise<void> => {
  const released = scene.gates.releaseKeys.calls;
  const mayRelease = PHASES.indexOf(phase) >= PHASES.indexOf('releasing');
  assert.is(released, mayRelease ? 1 : 0, `keys released, ${phase}`);
  await settle();
  const [messages, onPhone, onNewDevice] = [
    scene.relay.wire.length,
    phone.state.get(),
    scene.newDevice.state.get(),
  ];
  for (const gate of Object.values(scene.gates)) gate.release();
  phone.confirm('too late');
  scene.newDevice.submitDigits('000000');
  await settle();
  assert.is(scene.relay.wire.length, messages, `messages, ${phase}`);
  assert.is(phone.state.get(), onPhone);
  assert.is(scene.newDevice.state.get(), onNewDevice);
  assert.is(scene.gates.releaseKeys.calls, released);
  assert.is(scene.relay.cells, 0, `cells, ${phase}`);
  const rejected = await scene.newDevice.result.catch((error: unknown) => error);
  assert.is(rejected, onNewDevice.step === 'failed' ? onNewDevice.error : undefined);
};

/** Lets everything that is under way finish: no timer runs, so a few turns of the event loop are all there is. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
