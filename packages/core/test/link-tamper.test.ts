// A relay that changes, drops, repeats, reorders or reflects what passes through the cell: every message of a link,
// and whatever it does, both sides stop and no key leaves before its time. Rules: spec/link.md §3 and §4.
import { LIMITS } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../src/bytes.ts';
import { createScene, outcome, playOut, playTo, type Scene } from './link-kit.ts';
import type { Tap } from './link-relay.ts';

const test = suite('link tampering');

const MESSAGES = ['hello', 'answer', 'offer', 'acceptance', 'bundle', 'done'] as const;
/** How often keys may have been released when message `index` did not come as it was sent. */
const releases = (index: number): number => (index > 3 ? 1 : 0);

/** Plays a link in which message `index` is delivered by `tap`. */
const playWith = async (index: number, tap: Tap) => {
  const scene = createScene();
  scene.relay.tap = (payload, at, deliver) => {
    if (at === index) tap(payload, at, deliver);
    else deliver(payload);
  };
  const { phone, over } = await playOut(scene);
  return { scene, phone, over };
};

const assertTampered = async (index: number, tap: Tap, what: string): Promise<void> => {
  const { scene, over } = await playWith(index, tap);
  const { onPhone, onNewDevice } = await over;
  assert.is(onPhone, 'LINK_TAMPERED', `phone, ${what}`);
  // Only who sent the very last message cannot know what became of it.
  assert.is(onNewDevice, index === 5 ? 'done' : 'LINK_TAMPERED', `new device, ${what}`);
  assert.is(scene.gates.releaseKeys.calls, releases(index), `keys released, ${what}`);
};

/** The lengths of the six messages of a link. */
const lengths = async (): Promise<number[]> => {
  const scene = createScene();
  const { over } = await playOut(scene);
  assert.equal(await over, { onPhone: 'done', onNewDevice: 'done' });
  return scene.relay.wire.map((payload) => payload.length);
};

for (const [index, name] of MESSAGES.entries()) {
  test(`[LK8] ${name}: any changed byte ends the link on both sides`, async () => {
    const length = (await lengths())[index]!;
    for (let at = 0; at < length; at++) {
      const flip: Tap = (payload, _at, deliver) => {
        payload[at]! ^= 1 << (at % 8);
        deliver(payload);
      };
      await assertTampered(index, flip, `${name}, byte ${at}`);
    }
  });

  test(`[LK8] ${name}: cut, longer, empty or replaced`, async () => {
    const changes: ((payload: Uint8Array) => Uint8Array)[] = [
      () => new Uint8Array(0),
      (payload) => payload.slice(0, 15),
      (payload) => payload.slice(0, -1),
      (payload) => payload.slice(1),
      (payload) => concat(payload, Uint8Array.of(0)),
      (payload) => new Uint8Array(payload.length),
    ];
    for (const [number, change] of changes.entries()) {
      const { over, scene } = await playWith(index, (payload, _at, deliver) => deliver(change(payload)));
      const { onPhone, onNewDevice } = await over;
      // Without an encapsulated key there is no channel to say it through.
      const mute = index === 0 && onNewDevice === 'LINK_TAMPERED' && onPhone === 'LINK_PEER_LEFT';
      assert.ok(mute || onPhone === 'LINK_TAMPERED', `${name}, change ${number}: ${onPhone}`);
      assert.is(onNewDevice, index === 5 ? 'done' : 'LINK_TAMPERED', `${name}, change ${number}`);
      assert.is(scene.gates.releaseKeys.calls, releases(index));
    }
  });

  test(`[LK8] ${name}: dropped, nothing goes on, and time ends it`, async () => {
    let dropped: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      dropped = resolve;
    });
    const { scene, over } = await playWith(index, () => dropped());
    await gone;
    if (index < 5) scene.timers.advance(LIMITS.rendezvousTotalMs);
    const { onPhone, onNewDevice } = await over;
    // The new device closes its cell behind its last message.
    assert.is(onPhone, index === 5 ? 'LINK_PEER_LEFT' : 'LINK_CODE_EXPIRED');
    assert.is(onNewDevice, index === 5 ? 'done' : 'LINK_CODE_EXPIRED');
    assert.is(scene.gates.releaseKeys.calls, releases(index));
  });

  test(`[LK8] ${name}: repeated`, async () => {
    const scene = createScene();
    // What the first copy sets off takes its time, so that the second one comes in the same step.
    const gate = ([undefined, 'makeOffer', 'acceptOffer', 'releaseKeys', 'storeBundle'] as const)[index];
    if (gate) scene.gates[gate].held = true;
    scene.relay.tap = (payload, at, deliver) => {
      deliver(payload.slice());
      if (at === index) deliver(payload);
    };
    const { onPhone, onNewDevice } = await (await playOut(scene)).over;
    assert.is(onPhone, index === 5 ? 'done' : 'LINK_TAMPERED');
    assert.is(onNewDevice, index === 5 ? 'done' : 'LINK_TAMPERED');
    assert.is(scene.gates.releaseKeys.calls, index < 3 ? 0 : 1);
  });

  test(`[LK8] ${name}: overtaken by the sender's farewell`, async () => {
    const scene = createScene();
    let release: () => void = () => undefined;
    let held: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      held = resolve;
    });
    scene.relay.tap = (payload, at, deliver) => {
      if (at !== index) return deliver(payload);
      release = () => deliver(payload);
      held();
    };
    const { phone, over } = await playOut(scene);
    await waiting;
    scene.relay.tap = (payload, _at, deliver) => {
      deliver(payload);
      release();
    };
    if (index % 2 === 0) phone.cancel();
    else scene.newDevice.cancel();
    const { onPhone, onNewDevice } = await over;
    if (index === 5) {
      assert.equal([onPhone, onNewDevice], ['LINK_PEER_LEFT', 'done']);
    } else {
      const [sender, receiver] = index % 2 === 0 ? [onPhone, onNewDevice] : [onNewDevice, onPhone];
      assert.is(sender, 'LINK_CANCELLED');
      assert.is(receiver, 'LINK_TAMPERED');
    }
    assert.is(scene.gates.releaseKeys.calls, releases(index));
  });

  test(`[LK8] ${name}: replaced by any earlier message of this link, or sent back to its sender`, async () => {
    for (let earlier = 0; earlier < index; earlier++) {
      const scene = createScene();
      scene.relay.tap = (payload, at, deliver) =>
        deliver(at === index ? scene.relay.wire[earlier]!.slice() : payload);
      const { over } = await playOut(scene);
      const { onPhone, onNewDevice } = await over;
      assert.is(onPhone, 'LINK_TAMPERED', `phone, message ${earlier} again`);
      assert.is(onNewDevice, index === 5 ? 'done' : 'LINK_TAMPERED', `new device, message ${earlier} again`);
      assert.is(scene.gates.releaseKeys.calls, releases(index));
    }
  });
}

test('[LK8] a message of another link between the same devices does not fit', async () => {
  const other = createScene();
  assert.equal(await (await playOut(other)).over, { onPhone: 'done', onNewDevice: 'done' });
  for (const [index, name] of MESSAGES.entries()) {
    await assertTampered(index, (_payload, _at, deliver) => deliver(other.relay.wire[index]!.slice()), name);
  }
});

test('[LK8] a message of the peer out of its turn: nobody spoke to it yet', async () => {
  const scene = createScene();
  const phone = await playTo(scene, 'digits');
  // The relay plays the phone's own first message back to it.
  inject(scene, 'phone', scene.relay.wire[0]!);
  assert.is(await outcome(phone.state), 'LINK_TAMPERED');
  assert.is(await outcome(scene.newDevice.state), 'LINK_TAMPERED', 'told by the phone');
  const early = createScene();
  await playTo(early, 'code');
  inject(early, 'new-device', scene.relay.wire[0]!);
  assert.is(await outcome(early.newDevice.state), 'LINK_TAMPERED', 'bytes before anybody joined');
});

test.run();

/** Bytes that the relay makes up, for one side. */
const inject = (scene: Scene, side: 'phone' | 'new-device', payload: Uint8Array): void =>
  scene.relay.inject(scene.shownCode, side, payload.slice());
