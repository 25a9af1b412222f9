// The account as the relay knows it: the list of relay keys that a device with the manage key keeps. Rules:
// spec/relay-protocol.md §6, spec/device-log.md §7.
import { ed25519 } from '@noble/curves/ed25519.js';
import { toHex } from '@sealwire/protocol';
import { activeDevices, type DeviceLog } from '../identity/device-log.ts';
import type { EngineOptions } from '../sync/engine.ts';
import { sealFarewell } from './farewell.ts';
import type { Self } from './self.ts';

/** Notes that go with an edit for devices that were linked last, whether or not they are known to be on the list. */
const NOTES_TO_SPARE = 8;

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
        const ended = [...log().devices.values()].filter(({ revokedBy }) => revokedBy !== undefined);
        // What the relay lists may be newer than what this device remembers: it was restored from a copy, perhaps.
        const newest = ended.slice(-NOTES_TO_SPARE);
        return ended.flatMap((device) => {
          const { id, keys } = device;
          if (!listed.has(toHex(keys.relay)) && !newest.includes(device)) return [];
          const note = sealFarewell(log(), id, self().roomSecret, options.randomBytes);
          return note ? [{ relayKey: keys.relay, note }] : [];
        });
      },
    },
  };
};
