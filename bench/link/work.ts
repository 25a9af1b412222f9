// What a link computes, without relay and disks, and what a key wrap does.
import {
  hpkeKeyPairOf,
  openNewDeviceChannel,
  openPhoneChannel,
  randomBytes,
  type Suite,
  unwrapKey,
  wrapKey,
} from '@sealwire/core/testing';
import { ResultsDiffer } from '../lib/result.ts';
import type { Contender } from '../lib/rounds.ts';

/** Sizes of the six messages of a link of an account with a few devices. */
const FROM_PHONE = [97, 1200, 900];
const TO_PHONE = [260, 67, 1];
const INFO = new Uint8Array(32);

/** All that both sides of one link seal and open. @returns what came out on the two sides, joined. */
export const talk = async (suite: Suite): Promise<{ readonly sent: string; readonly received: string }> => {
  const keys = await hpkeKeyPairOf(suite, randomBytes(32));
  const phone = await openPhoneChannel(keys.publicKey, INFO, suite);
  const sent: string[] = [phone.macKey.join()];
  const received: string[] = [];
  let newDevice: Awaited<ReturnType<typeof openNewDeviceChannel>>;
  for (const [turn, length] of FROM_PHONE.entries()) {
    const down = new Uint8Array(length).fill(turn);
    const sealed = await phone.seal(down, INFO);
    newDevice ??= await openNewDeviceChannel(keys, INFO, sealed);
    if (turn === 0) received.push(newDevice?.macKey.join() ?? 'no channel');
    const opened = await newDevice?.open(sealed, [INFO]);
    const up = new Uint8Array(TO_PHONE[turn]!).fill(turn);
    const answered = newDevice && (await phone.open(await newDevice.seal(up, INFO), [INFO]));
    sent.push(down.join(), up.join());
    received.push(opened?.plaintext.join() ?? 'lost', answered?.plaintext.join() ?? 'lost');
  }
  return { sent: sent.join(';'), received: received.join(';') };
};

/** @throws ResultsDiffer if a link of either suite does not carry what was sent, or a wrap does not open. */
export const requireAgreement = async (): Promise<void> => {
  for (const suite of [1, 2] as const) {
    const { sent, received } = await talk(suite);
    if (sent !== received) throw new ResultsDiffer(`suite ${suite}: what was received is not what was sent`);
    const { publicKey, privateKey } = await hpkeKeyPairOf(suite, randomBytes(32));
    const key = randomBytes(32);
    const opened = await unwrapKey(privateKey, await wrapKey(publicKey, key, INFO, suite), INFO, suite);
    if (opened?.join() !== key.join()) throw new ResultsDiffer(`suite ${suite}: a wrap opens to another key`);
  }
};

/** Rows of single operations, by suite. */
export const KEY_WORK: readonly [string, (suite: Suite) => Contender['prepare']][] = [
  ['key-pair', (suite) => () => () => hpkeKeyPairOf(suite, randomBytes(32))],
  [
    'wrap',
    (suite) => async () => {
      const { publicKey } = await hpkeKeyPairOf(suite, randomBytes(32));
      return () => wrapKey(publicKey, randomBytes(32), INFO, suite);
    },
  ],
  [
    'unwrap',
    (suite) => async () => {
      const { publicKey, privateKey } = await hpkeKeyPairOf(suite, randomBytes(32));
      const wrapped = await wrapKey(publicKey, randomBytes(32), INFO, suite);
      return () => unwrapKey(privateKey, wrapped, INFO, suite);
    },
  ],
];
