// One real device in the run: its lives and deaths, and what its person does and sees.
import {
  type Chat,
  createAccount,
  type Device,
  type Evidence,
  type LinkRequest,
  linkDevice,
  type Message,
  openDevice,
  SealwireError,
} from '@sealwire/core';
import type { Core, DeviceInternals } from '@sealwire/core/testing';
import * as Y from 'yjs';
import { createDisk, type DiskContents } from './disk.ts';
import type { Ledger } from './ledger.ts';
import type { Connection, Network } from './network.ts';
import type { Wiretap } from './wiretap.ts';
import { BEGINNING, type World } from './world.ts';

export interface DeviceWorld {
  readonly world: World;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly wiretap: Wiretap;
}

export type Life = 'off' | 'starting' | 'on' | 'stopping' | 'linking';

export const createSimDevice = (name: string, { world, network, ledger, wiretap }: DeviceWorld) => {
  const disk = createDisk(world, name);
  const dice = world.dice(`device ${name}`);
  const chats = new Map<string, Chat>();
  const evidence: Evidence[] = [];
  const copies: { readonly at: number; readonly contents: DiskContents }[] = [];
  let life: Life = 'off';
  /** Counts the lives: what comes of an earlier one concerns nobody. */
  let run = 0;
  let device: Device | undefined;
  /** The core of the device that is open. */
  let inside: Core | undefined;
  let reachable = true;
  let isRetired = false;
  let clockSkewMs = 0;
  /** Small pages, so that a short run fills many; how small is each device's own choice. */
  const pageLimits = { entries: world.dice(`pages of ${name}`).between(3, 12), bytes: 16 * 1024 };

  /** Nearly always far behind, or never. */
  const aheadFrames = world.dice(`ahead of ${name}`).chance(0.5) ? 6 : 100_000;

  const options = () => {
    const mine = run;
    const isAlive = () => mine === run;
    const internals: DeviceInternals & { now: () => number } = {
      now: () => BEGINNING + world.now() + clockSkewMs,
      randomBytes: (length) => dice.bytes(length),
      ...{ pageLimits, aheadFrames },
      onOpen: (core) => {
        if (isAlive()) inside = core;
      },
      edge: {
        openSocket: () => network.openSocket({ name, isReachable: () => reachable && isAlive() }),
        monotonicMs: world.now,
        after: (ms, callback) =>
          world.after(ms, () => {
            if (isAlive()) callback();
          }),
      },
    };
    return { storage: disk.storage, relay: 'ws://relay', ...internals };
  };

  /** Takes in the outcome of something that this life began; a later life does not hear of it. */
  const follow = <T>(
    promise: Promise<T>,
    done: (value: T) => void,
    failed: (error: SealwireError) => void,
  ): void => {
    const mine = run;
    promise.then(
      (value) => {
        if (mine === run) done(value);
      },
      (error: unknown) => {
        if (!(error instanceof SealwireError) && !(error instanceof RangeError)) throw error;
        if (mine === run) failed(error as SealwireError);
      },
    );
  };

  const begin = (opened: Device): void => {
    device = opened;
    life = 'on';
    self.id = opened.id;
    self.account = opened.accountId;
    ledger.belongs(opened.id, opened.accountId);
    world.note(name, 'is open');
    opened.onEvidence((found) => {
      if (device !== opened) return;
      world.note(
        name,
        `reports ${found.code}${found.deviceId === undefined ? '' : ` of ${found.deviceId.slice(0, 8)}`}`,
      );
      evidence.push(found);
    });
    opened.status.subscribe(() => {
      if (device !== opened) return;
      const { connection, pending } = opened.status.get();
      if (connection === 'online' && pending === 0) ledger.settled(opened.id);
    });
  };

  const starting = (promise: Promise<Device>, otherwise: (error: SealwireError) => void): void => {
    life = 'starting';
    const mine = run;
    promise.then(
      (opened) => {
        if (mine === run) begin(opened);
        else void opened.close();
      },
      (error: unknown) => {
        if (mine !== run) return;
        life = 'off';
        otherwise(error as SealwireError);
      },
    );
  };

  const self = {
    name,
    disk,
    dice,
    /** Known once it was open. */
    id: '',
    account: '',
    evidence: evidence as readonly Evidence[],
    copies,
    get life(): Life {
      return life;
    },
    get device(): Device | undefined {
      return life === 'on' ? device : undefined;
    },
    get clockSkewMs(): number {
      return clockSkewMs;
    },
    skewClock: (ms: number): void => {
      clockSkewMs = ms;
    },
    isReachable: () => reachable,
    /** The radio goes off or on; the device is not told. */
    reach(isReachable: boolean): void {
      reachable = isReachable;
    },
    connections: (): Connection[] => network.connections().filter((connection) => connection.name === name),
    create(person = 'Ada'): void {
      run += 1;
      const made = createAccount({ ...options(), name: person, deviceName: name, platform: 'phone' });
      starting(made, (error) => {
        throw error;
      });
    },
    /** Is never opened again. */
    retire(): void {
      isRetired = true;
    },
    open(): void {
      if (life !== 'off' || isRetired) return;
      run += 1;
      starting(openDevice(options()), (error) => {
        if (error.code !== 'NO_DEVICE') world.fail(`${name} does not open: ${error.code ?? error.message}`);
        world.note(name, 'holds no device');
      });
    },
    /** Asks to be linked. The person is the caller. */
    link(): LinkRequest {
      run += 1;
      life = 'linking';
      const mine = run;
      const request = linkDevice({ ...options(), deviceName: name, platform: 'web' });
      request.device.then(
        (opened) => {
          if (mine === run) begin(opened);
          else void opened.close();
        },
        () => {
          if (mine === run) life = 'off';
        },
      );
      return request;
    },
    close(): void {
      if (life !== 'on' || !device) return;
      life = 'stopping';
      chats.clear();
      const closing = device;
      device = undefined;
      follow(
        closing.close(),
        () => {
          life = 'off';
          world.note(name, 'is closed');
        },
        (error) => world.fail(`${name} does not close: ${error.message}`),
      );
    },
    /** Power loss. What is left of the old life is tidied up where it can do nothing. */
    crash(): void {
      const old = device;
      run += 1;
      life = 'off';
      device = undefined;
      chats.clear();
      disk.crash();
      for (const connection of self.connections()) connection.abandon();
      void old?.close();
    },
    copy(): void {
      if (!disk.isLost()) copies.push({ at: world.now(), contents: disk.copy() });
    },
    /** @returns false if there is no copy, or the device is not off. */
    restore(): boolean {
      if (life !== 'off' || copies.length === 0) return false;
      const { at, contents } = dice.pick(copies);
      disk.restore(contents);
      ledger.restored(self.id, at);
      world.note(name, `is restored to ${(at / 1000).toFixed(3)}`);
      return true;
    },
    /** Opens a chat and keeps it open. @returns undefined when it is not open yet. */
    chat(id: string): Chat | undefined {
      const open = chats.get(id);
      if (open || !device || life !== 'on') return open;
      follow(
        device.openChat(id),
        (chat) => {
          chats.set(id, chat);
          watch(chat);
        },
        (error) => {
          // It is said here while the device still wipes itself, which is before its status says it.
          if (error.code !== 'LOGGED_OUT') world.fail(`${name} does not open a chat: ${error.message}`);
        },
      );
      return undefined;
    },
    /** Whether a text is on the screen, in a chat that is open. */
    shows: (id: string, text: string): boolean =>
      chats
        .get(id)
        ?.timeline.get()
        .some((message) => message.text === text) ?? false,
    /** By chat id: the room that each chat is in, both hexadecimal. */
    rooms: (): ReadonlyMap<string, string> =>
      new Map([...(inside?.chats ?? [])].map(([id, { room }]) => [id, room.key])),
    /** The person has had enough of a chat's room. */
    moveRoom(id: string): void {
      const chat = self.chat(id);
      if (!chat) return;
      world.note(name, 'moves a chat');
      follow(
        chat.moveRoom(),
        () => undefined,
        (error) => world.note(name, `does not move it: ${error.code}`),
      );
    },
    promote(id: string, account: string): void {
      const chat = self.chat(id);
      if (!chat) return;
      follow(
        chat.promote(account),
        () => world.note(name, 'makes an admin'),
        (error) => world.note(name, `makes no admin: ${error.code}`),
      );
    },
    /** What waits in chats of which the relay says that the account is no member: it waits for ever. */
    refused: (): number =>
      [...(inside?.chats.values() ?? [])].reduce(
        (sum, { room }) => (room.isRefused() ? sum + room.pending() : sum),
        0,
      ),
    leaveChat(id: string): void {
      chats.get(id)?.close();
      chats.delete(id);
    },
    say(id: string): boolean {
      const chat = self.chat(id);
      if (!chat) return false;
      const text = ledger.newText(name);
      const word = ledger.say(text, id, self.id);
      world.note(name, `says ${text}`);
      follow(
        chat.send(text),
        () => {
          world.note(name, `sees stored ${text}`);
          ledger.stored(word);
        },
        (error) => world.note(name, `cannot store ${text}: ${error.code}`),
      );
      return true;
    },
    delete(id: string): boolean {
      const chat = self.chat(id);
      const shown = (chat?.timeline.get() ?? []).filter(({ author }) => author.isMe);
      if (!chat || shown.length === 0) return false;
      const message = dice.pick(shown);
      const word = ledger.words.get(message.text);
      if (!word) return false;
      ledger.delete(word, self.id);
      world.note(name, `deletes ${message.text}`);
      follow(
        chat.delete(message.id),
        () => ledger.deleted(word, self.id),
        (error) => world.note(name, `cannot delete ${message.text}: ${error.code}`),
      );
      return true;
    },
    /** Another provider of a chat that is open loads into its document what nobody here wrote. */
    loadForeign(id: string): boolean {
      const page = chats.has(id) && life === 'on' ? inside?.chats.get(id)?.writing() : undefined;
      if (!page) return false;
      const foreign = new Y.Doc();
      foreign.clientID = dice.between(1, 2 ** 31);
      foreign.getMap('e').set(`${foreign.clientID}:0`, dice.bytes(9));
      Y.applyUpdate(page.doc, Y.encodeStateAsUpdate(foreign), 'another provider');
      return true;
    },
    createChat(members: readonly string[] = []): boolean {
      if (!device || life !== 'on') return false;
      const known = ledger.newChat(self.id, members);
      world.note(name, `makes ${known.title}`);
      follow(
        device.createChat(known.title, members),
        (id) => {
          known.id = id;
          known.state = 'stored';
          known.at = world.now();
        },
        (error) => world.note(name, `cannot make ${known.title}: ${error.code}`),
      );
      return true;
    },
    recover(): void {
      if (!device || life !== 'on') return;
      follow(
        device.recover(),
        () => world.note(name, 'recovered'),
        (error) => world.note(name, `does not recover: ${error.code}`),
      );
    },
  };

  /** Every message that a person ever sees is one that somebody said, there, as its author; no state goes back. */
  const watch = (chat: Chat): void => {
    const seen = new Map<string, Message['state']>();
    const look = (): void => {
      if (chats.get(chat.id) !== chat) return;
      for (const message of chat.timeline.get()) {
        const before = seen.get(message.id);
        if (before === message.state) continue;
        seen.set(message.id, message.state);
        judge(chat, message, before);
      }
    };
    chat.timeline.subscribe(look);
    look();
  };

  const judge = (chat: Chat, message: Message, before: Message['state'] | undefined): void => {
    const { text, state } = message;
    const word = ledger.words.get(text);
    if (!word || word.chat !== chat.id || word.author !== message.author.deviceId) {
      world.fail(`${name} shows what nobody said there: ${text}`);
      return;
    }
    if (word.saidAt > (ledger.overAt(self.id) ?? Number.POSITIVE_INFINITY) && word.author !== self.id)
      world.fail(`${name} reads ${text}, said after all knew that it was logged out`);
    if (
      word.saidAt > (ledger.placeOf(chat.id, self.id)?.outAt ?? Number.POSITIVE_INFINITY) &&
      word.author !== self.id
    )
      world.fail(`${name} reads ${text}, said after all knew that its account is no member`);
    if (before && STATES.indexOf(state) < STATES.indexOf(before))
      world.fail(`${name} showed ${text} as ${before}, and then as ${state}`);
    if (word.author !== self.id) return;
    if (state !== 'storing') ledger.stored(word);
    if (state !== 'sent' || word.state === 'sent') return;
    world.note(name, `sees sent ${text}`);
    word.state = 'sent';
    if (wiretap.lastDurable(name) < word.saidAt)
      world.fail(`${name} shows ${text} as sent, and the relay has nothing of it`);
  };

  return self;
};

const STATES: readonly Message['state'][] = ['storing', 'stored', 'sent'];

export type SimDevice = ReturnType<typeof createSimDevice>;
