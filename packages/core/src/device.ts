// What an app holds: a device as readable values and a few verbs, over the core in account/core.ts.
import { LIMITS, SealwireError, toHex } from '@sealwire/protocol';
import { createContacts } from './account/contacts.ts';
import { type Core, createCore, type DeviceParts } from './account/core.ts';
import { isMember } from './account/membership.ts';
import { createRoomLists } from './account/room-lists.ts';
import type { Device, DeviceStatus, Evidence, LinkedDevice, Platform } from './api.ts';
import type { Chat, ChatSummary } from './chat-api.ts';
import { activeDevices } from './identity/device-log.ts';
import { RIGHT } from './identity/log-entry.ts';
import { linkFromPhone } from './link/from-phone.ts';
import { createReadable } from './readable.ts';
import { createSharedDocs } from './shared-doc.ts';

/** Opens the device that the parts make. @param offline - start with the network switch off. */
export const createDevice = async (
  parts: DeviceParts,
  offline: boolean,
): Promise<{ readonly device: Device; readonly core: Core }> => {
  const evidenceListeners = new Set<(evidence: Evidence) => void>();
  let networkOn = !offline;
  const values: { invalidate(): void }[] = [];
  const others: { changed(): void }[] = [];
  const opened = await createCore(parts, {
    changed: () => {
      for (const other of others) other.changed();
      for (const value of values) value.invalidate();
    },
    evidence: (evidence) => {
      for (const listener of evidenceListeners) listener(evidence);
    },
  });

  parts.onOpen?.(opened);
  const chats = createReadable<readonly ChatSummary[]>(() =>
    [...opened.chats.values()]
      .map((chat) => chat.summary())
      .sort((a, b) => b.lastAt - a.lastAt || (a.id < b.id ? -1 : 1)),
  );
  const devices = createReadable(() => listDevices(opened));
  const people = createContacts({
    ...parts,
    core: opened,
    report: (evidence) => {
      for (const listener of evidenceListeners) listener(evidence);
    },
    fault: opened.fault,
    invitation: (chatId, accountId) => lists.invitation(chatId, accountId),
    due: () => [...lists.invitationsDue(), ...lists.movesDue()],
  });
  const lists = createRoomLists({
    ...parts,
    core: opened,
    report: (evidence) => {
      for (const listener of evidenceListeners) listener(evidence);
    },
    fault: opened.fault,
    written: people.changed,
  });
  const sharedDocs = createSharedDocs(opened, parts.edge);
  others.push(people, lists, sharedDocs);
  const contacts = createReadable(people.contacts);
  const requests = createReadable(people.requests);
  const alerts = createReadable(people.alerts);
  const status = createReadable(() => deviceStatus(opened, networkOn, people.pending()));
  values.push(chats, devices, contacts, requests, alerts, status);
  opened.vault.onProblem((problem) => {
    // Another tab or program holds the vault now: this one must neither write nor speak for the device.
    if (problem instanceof SealwireError && problem.code === 'STORAGE_IN_USE') opened.engine.close();
  });
  if (networkOn) opened.engine.setNetwork(true);

  const device: Device = {
    id: toHex(opened.deviceId),
    accountId: opened.accountId,
    chats,
    devices,
    status,
    async createChat(title, members = []) {
      requireName(title, 'title');
      for (const accountId of members) people.requireKnown(accountId);
      return opened.createChat(title, [...new Set(members)]);
    },
    async openChat(chatId): Promise<Chat> {
      if (opened.revocation.isEnded()) opened.requireWritable();
      const model = opened.chats.get(chatId);
      if (!model) throw new SealwireError('CHAT_UNKNOWN', 'There is no such chat on this device.');
      return model.open();
    },
    openSharedDoc: (chatId, name) => sharedDocs.open(chatId, name),
    contacts,
    requests,
    alerts,
    createCard: people.createCard,
    withdrawCards: people.withdrawCards,
    addContact: people.addContact,
    acceptRequest: people.acceptRequest,
    declineRequest: people.declineRequest,
    safetyNumber: people.safetyNumber,
    compareSafety: people.compareSafety,
    markVerified: people.markVerified,
    dismissAlert: people.dismissAlert,
    async renameDevice(deviceId, name) {
      requireName(name, 'name');
      await opened.renameDevice(deviceId, name);
    },
    async logOutDevice(deviceId) {
      opened.requireWritable();
      await (deviceId === toHex(opened.deviceId) ? opened.logOut() : opened.revocation.endDevice(deviceId));
    },
    logOut: () => opened.logOut(),
    link: (code) => linkFromPhone(opened, code, parts),
    setNetwork(on) {
      networkOn = on;
      opened.engine.setNetwork(on);
      status.invalidate();
    },
    recover: () => opened.recover(),
    onEvidence(listener) {
      evidenceListeners.add(listener);
      return () => evidenceListeners.delete(listener);
    },
    async close() {
      people.close();
      lists.close();
      sharedDocs.close();
      await opened.close();
    },
  };
  people.changed();
  return { device, core: opened };
};

/** @throws TypeError, RangeError */
export const requireName = (name: string, argument: string): void => {
  if (typeof name !== 'string') throw new TypeError(`${argument} is not a string`);
  if (name.trim().length === 0 || name.length > LIMITS.nameChars)
    throw new RangeError(`${argument} must have 1 to ${LIMITS.nameChars} characters`);
};

const PLATFORMS: ReadonlySet<string> = new Set<Platform>(['phone', 'web', 'desktop', 'headless']);

const listDevices = (core: Core): readonly LinkedDevice[] => {
  const { devices: named } = core.accountState();
  return activeDevices(core.deviceLog()).map(({ id, rights, at, renewedAt }) => {
    const hex = toHex(id);
    const entry = named.get(hex);
    const heard = core.rooms().map((room) => room.state.lastHeard.get(hex) ?? 0);
    const lastHeardAt = Math.max(0, ...heard);
    return {
      id: hex,
      name: entry?.n ?? 'Unnamed device',
      platform: PLATFORMS.has(entry?.p ?? '') ? (entry!.p as Platform) : 'headless',
      isThis: hex === toHex(core.deviceId),
      mayLink: (rights & RIGHT.link) !== 0,
      addedAt: at,
      renewedAt,
      lastHeardAt: lastHeardAt || undefined,
    };
  });
};

const deviceStatus = (core: Core, networkOn: boolean, mail: number): DeviceStatus => {
  const rooms = core.rooms().filter((room) => isMember(room, core.accountId));
  const online = core.connection() === 'online';
  return {
    connection: core.connection(),
    networkOn,
    loadingRooms: rooms.filter(
      (room) => !room.isLive() && !room.isRefused() && (online || room.cursor() < core.head(room)),
    ).length,
    rooms: rooms.length,
    pending: rooms.reduce((sum, room) => sum + room.pending(), mail),
    rotationOwed: rooms.some((room) => room.rotationOwed()),
    problem: core.problem(),
  };
};
