// The secret keys of one device and the ids that follow from them. Rules: spec/keys.md §3.

import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { PRINCIPAL_ID_LABEL } from '@sealwire/protocol';
import { sha256 } from '#native';
import { utf8 } from '../bytes.ts';
import { hpkeKeyPairOf } from '../crypto/hpke.ts';
import type { Suite } from '../crypto/suites.ts';
import { DEVICE_ID_BYTES } from '../frame/body.ts';

/** Secrets of one device; 32 bytes each. Sealed in the vault, never elsewhere. */
export interface DeviceSecrets {
  /** Ed25519 seed: signs frames and log entries. */
  readonly identity: Uint8Array;
  /** Ed25519 seed: signs in at the relay. Apart from the identity, which the relay never sees. */
  readonly relay: Uint8Array;
  /** HPKE private key of the account's suite: opens what is sealed to this device alone. */
  readonly hpke: Uint8Array;
}

/** The public halves; 32 bytes each, the HPKE key as many as its suite has. */
export interface DevicePublic {
  readonly identity: Uint8Array;
  readonly relay: Uint8Array;
  readonly hpke: Uint8Array;
}

export const createDeviceSecrets = (randomBytes: (length: number) => Uint8Array): DeviceSecrets => ({
  identity: randomBytes(32),
  relay: randomBytes(32),
  hpke: randomBytes(32),
});

/** In an account of suite 1. */
export const devicePublic = (secrets: DeviceSecrets): DevicePublic => ({
  identity: ed25519.getPublicKey(secrets.identity),
  relay: ed25519.getPublicKey(secrets.relay),
  hpke: x25519.getPublicKey(secrets.hpke),
});

/** In an account of `suite`. */
export const devicePublicOf = async (secrets: DeviceSecrets, suite: Suite): Promise<DevicePublic> => ({
  ...devicePublic(secrets),
  hpke: (await hpkeKeyPairOf(suite, secrets.hpke)).publicKey,
});

/** @returns the device id: 16 bytes of a hash of its identity key. */
export const deviceIdOf = (identityKey: Uint8Array): Uint8Array =>
  sha256(utf8('sealwire/v1/device-id'), identityKey).slice(0, DEVICE_ID_BYTES);

/** @returns the id of the principal whose manage key this is; 32 bytes. */
export const principalIdOf = (manageKey: Uint8Array): Uint8Array =>
  sha256(utf8(PRINCIPAL_ID_LABEL), manageKey);

/** A room's id follows from its secret, so that nobody can take the id first. @returns 32 new bytes. */
export const roomIdOf = (roomSecret: Uint8Array): Uint8Array =>
  sha256(utf8('sealwire/v1/room-id'), roomSecret);
