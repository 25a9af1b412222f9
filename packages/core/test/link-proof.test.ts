// Digits and the two proofs: fairness, constant shape, and that nothing else makes a proof, by type and at run time.
// Rules: spec/link.md §6 (LK20 to LK24).
import { seededRandom } from '@sealwire/testkit/random';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PhoneEffect } from '../src/link/phone.ts';
import type { PhoneCallbacks } from '../src/link/phone-driver.ts';
import * as proofs from '../src/link/proof.ts';
import {
  type Confirmed,
  checkDigits,
  commitDigits,
  confirmDevice,
  type DigitsChecked,
  drawDigits,
  macOfDigits,
  opensTo,
  type ProposedDevice,
  requireConfirmed,
} from '../src/link/proof.ts';
import { bytesOf } from './link-kit.ts';

const test = suite('link proofs');

const DEVICE: ProposedDevice = {
  identityKey: bytesOf('i'),
  relayKey: bytesOf('r'),
  hpkeKey: bytesOf('h'),
  deviceName: 'laptop',
  platform: 'web',
};

const fixed =
  (...values: number[]) =>
  (length: number): Uint8Array => {
    assert.is(length, 4);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, values.shift()!);
    return bytes;
  };

test('[LK20] digits are six, leading zeros kept, and numbers that would favour some are drawn again', () => {
  assert.is(drawDigits(fixed(0)), '000000');
  assert.is(drawDigits(fixed(999_999)), '999999');
  assert.is(drawDigits(fixed(1_000_042)), '000042');
  assert.is(drawDigits(fixed(4_293_999_999)), '999999', 'the last fair number');
  assert.is(drawDigits(fixed(4_294_000_000, 4_294_967_295, 7)), '000007', 'unfair numbers');
  assert.throws(() => drawDigits(() => new Uint8Array(3)), 'a source that gives too little');
});

test('[LK20] every digit of every place is drawn about equally often', () => {
  const random = seededRandom(7);
  const counts = Array.from({ length: 6 }, () => new Array<number>(10).fill(0));
  for (let draw = 0; draw < 20_000; draw++) {
    [...drawDigits((length) => random.bytes(length))].forEach((digit, place) => {
      counts[place]![Number(digit)]! += 1;
    });
  }
  // 2,000 expected, standard deviation 42.
  for (const place of counts)
    for (const count of place) assert.ok(count > 1_780 && count < 2_220, `${count}`);
});

test('[LK20] a commitment opens to its digits and opening alone', () => {
  const commitment = commitDigits('012345', bytesOf('o'));
  assert.ok(opensTo(commitment, '012345', bytesOf('o')));
  assert.not.ok(opensTo(commitment, '012346', bytesOf('o')));
  assert.not.ok(opensTo(commitment, '012345', bytesOf('p')));
  assert.throws(
    () => commitDigits('12345', bytesOf('o')),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(
    () => commitDigits('１２３４５６', bytesOf('o')),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(
    () => commitDigits('123456', bytesOf('o', 31)),
    (error: unknown) => error instanceof RangeError,
  );
});

test('[LK22] only the MAC of these digits, key and statement gives a proof', () => {
  const right = { macKey: bytesOf('k'), digits: '123456', statement: bytesOf('s'), device: DEVICE };
  const mac = macOfDigits(right.macKey, right.digits, right.statement);
  assert.ok(checkDigits({ ...right, mac }));
  assert.is(checkDigits({ ...right, mac, digits: '123457' }), undefined);
  assert.is(checkDigits({ ...right, mac, macKey: bytesOf('l') }), undefined);
  assert.is(checkDigits({ ...right, mac, statement: bytesOf('t') }), undefined);
  for (let i = 0; i < 32; i++) {
    const changed = mac.slice();
    changed[i]! ^= 0x80;
    assert.is(checkDigits({ ...right, mac: changed }), undefined);
  }
  assert.is(checkDigits({ ...right, mac: new Uint8Array(0) }), undefined);
  assert.is(checkDigits({ ...right, mac: mac.subarray(0, 31) }), undefined);
});

test('[LK24] proofs lead from one to the next, and forged ones are refused at run time', () => {
  const checked = genuine();
  const confirmed = confirmDevice(checked, 'kitchen');
  assert.equal(requireConfirmed(confirmed), { ...DEVICE, deviceName: 'kitchen' });
  assert.throws(
    () => confirmDevice(checked, ' '),
    (error: unknown) => error instanceof RangeError,
  );
  const forged: unknown[] = [
    {},
    { device: DEVICE },
    checked,
    Object.create(Object.getPrototypeOf(confirmed)),
    7,
  ];
  for (const value of forged) {
    assert.throws(
      () => requireConfirmed(value as Confirmed),
      (error: unknown) => error instanceof TypeError,
    );
  }
  for (const value of [{}, { device: DEVICE }, confirmed, structuredClone({ ...checked })]) {
    const run = () => confirmDevice(value as unknown as DigitsChecked, 'x');
    assert.throws(run, (error: unknown) => error instanceof TypeError);
  }
});

test('[LK24] code that releases keys without checked digits does not compile', () => {
  const callbacks: PhoneCallbacks = {
    makeOffer: async () => new Uint8Array(0),
    releaseKeys: async (proof) => requireConfirmed(proof).identityKey,
  };
  const checked = genuine();
  const bytes = bytesOf('any');
  const guess = { macKey: bytes, digits: '123456', statement: bytes, mac: bytes, device: DEVICE };
  const attempts = [
    // @ts-expect-error nothing at all
    () => callbacks.releaseKeys(undefined, new Uint8Array(0)),
    // @ts-expect-error a look-alike
    () => callbacks.releaseKeys({ device: DEVICE }, new Uint8Array(0)),
    // @ts-expect-error checked digits without the person's agreement
    () => callbacks.releaseKeys(checked, new Uint8Array(0)),
    // @ts-expect-error agreement without checked digits
    () => confirmDevice({ device: DEVICE }, 'x'),
    // @ts-expect-error agreement in place of checked digits
    () => confirmDevice(confirmDevice(checked, 'x'), 'x'),
    // @ts-expect-error the digits may have been wrong
    () => confirmDevice(checkDigits(guess), 'x'),
    // @ts-expect-error the constructors are not exported
    () => proofs.Checked,
    // @ts-expect-error the constructors are not exported
    () => proofs.Agreed,
    // @ts-expect-error an effect that releases without a proof
    (): PhoneEffect => ({ type: 'release-keys', acceptance: new Uint8Array(0) }),
  ];
  assert.is(attempts.length, 9);
  assert.not.ok('Checked' in proofs || 'Agreed' in proofs);
});

test.run();

const genuine = (): DigitsChecked => {
  const right = { macKey: bytesOf('k'), digits: '123456', statement: bytesOf('s'), device: DEVICE };
  return checkDigits({ ...right, mac: macOfDigits(right.macKey, '123456', right.statement) })!;
};
