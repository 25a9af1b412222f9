// The account as the relay knows it: the list of relay keys that a device with the manage key keeps. Rules:
// spec/relay-protocol.md §6, spec/device-log.md §7.
import { ed25519 } from '@noble/curves/ed25519.js';
import { toHex } from '@sealwire/protocol';
import { activeDevices, type DeviceLog } from '../identity/device-log.ts';
import type { EngineOptions } from '../sync/engine.ts';
import { sealFarewell } from './farewell.ts';
import type { Self } from './self.ts';

export interface PrincipalOptions {
  readonly self: () => Self;
  readonly saveSelf: (changes: Partial<Self>) => Promise<void>;
  readonly log: () => DeviceLog;
  /** This device's. */
  readonly relayKey: Uint8Array;
  /** True once this device is to be cut off as well: it has said all that it had to say. */
  readonly isGone: () => boolean;
  readonly randomBytes: (length: number) => Uint8Array;
}

export const accountPrincipal = (options: PrincipalOptions): NonNullable<EngineOptions['principal']> => {
  const { self, log, isGone } = options;
  const own = toHex(options.relayKey);
  const active = () => activeDevices(log()).map(({ keys }) => keys.relay);
  const relayKeys = () => [
    ...active().filter((key) => toHex(key) !== own),
    ...(isGone() ? [] : [options.relayKey]),
  ];
  const textOf = (keys: readonly Uint8Array[]): string => keys.map(toHex).sort().join();
  const text = () => textOf(relayKeys());
  const { manageSeed, log: first } = self();
  const id = first.genesis.principal;
  if (!manageSeed) return { id };
  return {
    id,
    manage: {
      seed: manageSeed,
      key: ed25519.getPublicKey(manageSeed),
      relayKeys,
      writtenVersion: () => {
        const { keys, version } = self().principalWritten;
        return keys === text() ? version : 0;
      },
      written(version, listed) {
        const { principalWritten } = self();
        const keys = textOf(listed);
        if (version === principalWritten.version && principalWritten.keys === keys) return;
        // If this is not stored, the list is written once more: no harm.
        options.saveSelf({ principalWritten: { version, keys } }).catch(() => undefined);
      },
      farewells() {
        const listed = new Set(self().principalWritten.keys.split(','));
        return [...log().devices.values()].flatMap(({ id: device, keys, revokedBy }) => {
          if (!revokedBy || !listed.has(toHex(keys.relay))) return [];
          const note = sealFarewell(log(), device, self().roomSecret, options.randomBytes);
          return note ? [{ relayKey: keys.relay, note }] : [];
        });
      },
    },
  };
};
