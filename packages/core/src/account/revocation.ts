// Ending devices: revocations, the account keys that follow them, and this device's own end. Rules:
// spec/device-log.md §3–§7, spec/epochs.md §3.
import { SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { createAccountKey, type OwnAccount, openAccountKey } from '../identity/account-keys.ts';
import {
  addToDeviceLog,
  type DeviceLog,
  isActive,
  keylessDevices,
  mostSenior,
  revocationsOf,
} from '../identity/device-log.ts';
import type { Directory } from '../identity/directory.ts';
import {
  type AccountKey,
  type DeviceRenew,
  type DeviceRevoke,
  encodeEntryBytes,
  RIGHT,
  type SignedEntry,
  signEntry,
} from '../identity/log-entry.ts';
import type { Room } from '../room/room.ts';
import { endsByRight, openFarewell } from './farewell.ts';
import { isRenewalDue, lapsedDevices } from './renewal.ts';
import type { Self } from './self.ts';

export interface RevocationOptions {
  readonly directory: Directory;
  readonly account: OwnAccount;
  readonly deviceId: Uint8Array;
  /** X25519 private key of this device. */
  readonly hpke: Uint8Array;
  readonly roomSecret: Uint8Array;
  readonly sign: (statement: Uint8Array) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  readonly accountRoom: Room;
  readonly saveSelf: (changes: Partial<Self>) => Promise<void>;
  /** Hands private account keys to devices that were not given them, through the account document. */
  readonly handOver: (privateKeys: readonly Uint8Array[]) => Promise<void>;
  /** True while the vault takes nothing. */
  readonly isStuck: () => boolean;
  /** This device has keys that it had not: rooms may open more. */
  readonly learned: () => void;
  /** All that is known has been seen to. */
  readonly settled: () => void;
  /** This device was ended. Called once. */
  readonly ended: () => Promise<void>;
  readonly report: (evidence: Evidence) => void;
  readonly fault: (error: unknown) => void;
}

export const createRevocation = (options: RevocationOptions) => {
  const { directory, account, deviceId, accountRoom, sign, randomBytes } = options;
  const ownId = toHex(deviceId);
  /** Account keys whose wrap for this device did not open, by entry. */
  const cheats = new Set<string>();
  let isWanted = false;
  let isEnded = false;
  let isTold = false;
  /** Others know that this device ended itself. */
  let isHeard = false;
  let tellEnded = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    tellEnded = resolve;
  });

  const log = (): DeviceLog => directory.log(toHex(account.id))!;

  const save = (): Promise<void> => options.saveSelf({ accountKeys: account.privateKeys(), log: log() });

  /** Opens what account keys hold for this device. */
  const learnKeys = async (): Promise<void> => {
    let learned = false;
    for (const signed of log().entries) {
      if (signed.entry.type !== 'account-key') continue;
      const entry = signed.entry as AccountKey;
      const name = toHex(signed.hash);
      if (account.privateKey(entry.accountKey) || cheats.has(name)) continue;
      try {
        const key = await openAccountKey(entry, account.id, deviceId, options.hpke);
        if (key) learned = account.add(entry.accountKey, key) || learned;
      } catch (error) {
        if (!(error instanceof SealwireError)) throw error;
        cheats.add(name);
        const { code, message } = error;
        const evidence = { deviceId: toHex(entry.author), bytes: encodeEntryBytes(signed) };
        options.report({ code, message, room: accountRoom.key, ...evidence });
      }
    }
    if (!learned) return;
    // What can be read now is read now: a key that a full disk does not take comes again.
    const saved = save();
    options.learned();
    await saved;
  };

  /** Whether a new account key is due, and nobody else need be waited for. */
  const isMine = (): boolean => {
    const known = log();
    const [use] = known.accountKeys;
    if (cheats.has(toHex(use!.hash))) return true;
    if (!known.keyOwed && keylessDevices(known).length === 0) return false;
    const ended = revocationsOf(known).some(({ entry }) => sameBytes(entry.author, deviceId));
    return isWanted || ended || mostSenior(known) === ownId;
  };

  const takeUp = async (made: {
    readonly entry: SignedEntry<AccountKey>;
    readonly privateKey: Uint8Array;
  }): Promise<void> => {
    account.add(made.entry.entry.accountKey, made.privateKey);
    await save(); // Before anybody can wrap to it.
  };

  /** Makes the account key that is due, as soon as all that the relay has is known here. */
  const settleKey = async (): Promise<void> => {
    if (!accountRoom.isLive() || options.isStuck() || !isActive(log(), ownId) || !isMine()) return;
    isWanted = false;
    const before = log();
    const lacking = keylessDevices(before).length > 0;
    const made = await createAccountKey({ log: before, author: deviceId, sign, randomBytes });
    await takeUp(made);
    await accountRoom.putControl([made.entry]);
    await directory.learn(made.entry);
    if (lacking) await options.handOver(account.privateKeys());
  };

  const revokeEntry = (device: Uint8Array): SignedEntry<DeviceRevoke> => {
    const { root, heads } = log();
    const at = options.now();
    return signEntry(
      { type: 'device-revoke', account: root, parents: heads, author: deviceId, device, at },
      sign,
    );
  };
  const renewEntry = (): SignedEntry<DeviceRenew> => {
    const { root, heads } = log();
    const at = options.now();
    return signEntry({ type: 'device-renew', account: root, parents: heads, author: deviceId, at }, sign);
  };

  const mayEndOthers = (): boolean => {
    const me = log().devices.get(ownId);
    return me !== undefined && (me.rights & RIGHT.link) !== 0 && isActive(log(), ownId);
  };

  const endOther = async (device: Uint8Array): Promise<void> => {
    const revoke = revokeEntry(device);
    const shorter = await addToDeviceLog(log(), revoke);
    const made = await createAccountKey({ log: shorter, author: deviceId, sign, randomBytes });
    await takeUp(made);
    await accountRoom.putControl([revoke, made.entry]);
    await directory.learn(revoke);
    await directory.learn(made.entry);
  };

  /** Says that this device is still there, and ends those that have not said so for too long. */
  const settleRenewals = async (): Promise<void> => {
    if (!accountRoom.isLive() || options.isStuck()) return;
    if (isRenewalDue(log(), ownId, options.now())) {
      const renewal = renewEntry();
      await accountRoom.putControl([renewal]);
      await directory.learn(renewal);
    }
    if (!mayEndOthers()) return;
    for (const { id } of lapsedDevices(log(), options.now())) await endOther(id);
  };

  const isRevoked = (): boolean => isTold || !isActive(log(), ownId);

  /** The revocation by which this device ends itself. */
  const ownEnd = () =>
    revocationsOf(log()).find(({ entry }) => sameBytes(entry.author, deviceId) && isOwnEnd(entry));
  /** A device that ends itself must first have said so. */
  const mustStillSay = (): boolean => !isHeard && accountRoom.pending() > 0 && ownEnd() !== undefined;
  const isOwnEnd = ({ device }: DeviceRevoke): boolean => sameBytes(device, deviceId);

  const look = async (): Promise<void> => {
    if (isEnded) return;
    await accountRoom.idle();
    if (isRevoked()) {
      if (mustStillSay()) return;
      isEnded = true;
      await options.ended();
      tellEnded();
      return;
    }
    await learnKeys();
    await settleKey();
    await settleRenewals();
  };

  let queue: Promise<void> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run);
    queue = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  };
  let looks = 0;

  /** Whether no key is on its way to this device, as far as the relay lets it know. */
  const isSettled = (): boolean => looks === 0 && accountRoom.isLive();

  return {
    isSettled,
    /** Something was learned, or came to rest: sees what follows. */
    changed(): void {
      if (looks > 1 || isEnded) return; // One that waits sees it all.
      looks += 1;
      inTurn(look)
        .catch(options.fault)
        .finally(() => {
          looks -= 1;
          if (isSettled()) options.settled();
        });
    },
    /** Resolves when all that is known has been seen to. */
    settled: (): Promise<void> => inTurn(look),
    /** Words wait for a new account key, whoever should have made it. */
    want(): void {
      isWanted = true;
      this.changed();
    },
    isEnded: (): boolean => isEnded,
    /** Resolves when this device was ended and what it kept is gone. */
    over,
    /**
     * Ends another device of the account for good. Works offline: resolves when it is durable here.
     * @param id - hexadecimal. @throws RangeError, SealwireError LINK_NOT_ALLOWED
     */
    endDevice: (id: string): Promise<void> =>
      inTurn(async () => {
        const known = log();
        const device = known.devices.get(id);
        if (!device || !isActive(known, id))
          throw new RangeError(`deviceId ${id} is no device of this account`);
        if (!mayEndOthers())
          throw new SealwireError(
            'LINK_NOT_ALLOWED',
            'Only the phone that made the account can log devices out.',
          );
        await endOther(device.id);
      }),
    /** Ends this device: says so, and resolves when the relay has it. What it keeps goes with `ended`. */
    async endThis(): Promise<void> {
      await inTurn(async () => {
        if (isRevoked()) return;
        await accountRoom.putControl([revokeEntry(deviceId)]);
      });
      await accountRoom.sent();
      await inTurn(look);
    },
    /** A note of the relay's for this device, which it lists no more. */
    farewell: (note: Uint8Array): Promise<void> =>
      inTurn(async () => {
        try {
          const entries = openFarewell(note, account.id, options.roomSecret);
          for (const entry of entries) await directory.learn(entry).catch(ignoreRefusal);
          isTold = entries.some((entry) => endsByRight(log(), deviceId, entry));
          // The relay took it, and the connection broke before it said so: another device has left it as the farewell.
          const said = ownEnd();
          isHeard ||= said !== undefined && entries.some(({ hash }) => sameBytes(hash, said.hash));
        } catch (error) {
          if (!(error instanceof SealwireError)) throw error;
          const { code, message } = error;
          options.report({ code, message, bytes: note.slice() });
        }
        await look();
      }),
  };
};

export type Revocation = ReturnType<typeof createRevocation>;

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};
