// Linking as the phone: joins the account's devices with the machine in phone.ts. Rules: spec/link.md §6 and §9.
import { SealwireError, toHex } from '@sealwire/protocol';
import type { Core } from '../account/core.ts';
import type { LinkPhoneState, LinkSession } from '../api.ts';
import { verifyNow } from '../crypto/native.ed25519.ts';
import { deviceIdOf } from '../identity/device-keys.ts';
import { addToDeviceLog } from '../identity/device-log.ts';
import { suiteOfKeys } from '../identity/entry-suite.ts';
import {
  type DeviceAdd,
  encodeUnsigned,
  entryHash,
  entryStatement,
  RIGHT,
  type SignedEntry,
  signEntry,
} from '../identity/log-entry.ts';
import { createReadable } from '../readable.ts';
import { addEntryFor, encodeBundle, encodeOffer } from './bundle.ts';
import { startPhoneLink } from './phone-driver.ts';
import { type Confirmed, requireConfirmed } from './proof.ts';
import { platformTimers, relayRendezvous } from './relay-cell.ts';
import type { Timers } from './rendezvous.ts';

export interface PhoneLinkParts {
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly edge?: Timers;
}

/** Starts linking the device that shows `code`. Needs the relay: says so if there is no connection. */
export const linkFromPhone = (core: Core, code: string, parts: PhoneLinkParts): LinkSession => {
  const me = core.deviceLog().devices.get(toHex(core.deviceId));
  const relayId = core.engine.relayId();
  if (!me || (me.rights & RIGHT.link) === 0)
    return failed(
      new SealwireError('LINK_NOT_ALLOWED', 'Only the phone that made the account can link devices.'),
    );
  if (!relayId || core.connection() !== 'online')
    return failed(
      new SealwireError(
        'RELAY_UNREACHABLE',
        'Linking needs the relay: connect to the network and try again.',
      ),
    );
  let add: DeviceAdd | undefined;
  return startPhoneLink({
    rendezvous: relayRendezvous(core.engine),
    code,
    relayId,
    identity: { publicKey: core.keys.identity, sign: core.sign },
    verify: verifyNow,
    accountRoot: core.account.id,
    accountSuite: suiteOfKeys([core.deviceLog().genesis.accountKey]),
    deviceId: (identityKey) => toHex(deviceIdOf(identityKey)),
    randomBytes: parts.randomBytes,
    timers: parts.edge ?? platformTimers,
    callbacks: {
      async makeOffer(proof) {
        add = addEntryFor(core.deviceLog(), core.deviceId, requireConfirmed(proof), parts.now());
        return encodeOffer({ log: core.deviceLog(), add });
      },
      releaseKeys: (proof, acceptance) => release(core, proof, add, acceptance),
    },
  });
};

/** Adds the device that the person agreed to, and gives the account's secrets for it. */
const release = async (
  core: Core,
  proof: Confirmed,
  add: DeviceAdd | undefined,
  acceptance: Uint8Array,
): Promise<Uint8Array> => {
  const device = requireConfirmed(proof);
  if (!add) throw new Error('keys asked for before the offer was made');
  const hash = entryHash(encodeUnsigned(add));
  if (!verifyNow(device.identityKey, entryStatement(hash), acceptance))
    throw new SealwireError('LINK_TAMPERED', 'The new device did not sign its own entry. Start anew.');
  const entry: SignedEntry<DeviceAdd> = { ...signEntry(add, core.sign), hash };
  const signed = { ...entry, signatures: [...entry.signatures, acceptance] };
  await addToDeviceLog(core.deviceLog(), signed);
  await core.accountRoom.putControl([signed]);
  await core.directory.learn(signed);
  // The relay must know the new device before it comes; the link's own time limit bounds the wait.
  await core.engine.whenPrincipalWritten();
  await core.writeAccount({
    k: 'device',
    id: toHex(deviceIdOf(device.identityKey)),
    n: device.deviceName,
    p: device.platform,
  });
  // From here on the phone may go off for ever: the account's other devices learn of the new one from the relay.
  await core.accountRoom.sent();
  const { accountKeys, roomSecret, epochKeys } = core.self();
  return encodeBundle({ entry: signed, accountKeys, roomSecret, epochKeys });
};

const failed = (error: SealwireError): LinkSession => {
  const state: LinkPhoneState = { step: 'failed', error };
  return {
    state: createReadable(() => state),
    confirm: () => undefined,
    refuse: () => undefined,
    cancel: () => undefined,
  };
};
