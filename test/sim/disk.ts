// A device's disk: what is on it is only what a completed barrier put there, and what a crash left by chance.
// The contract that real storages pass: packages/testkit/src/vault-contract.ts.

import type { Storage } from '@sealwire/core';
import type { OpenStorage } from '@sealwire/core/testing';
import { SealwireError } from '@sealwire/protocol';
import * as Y from 'yjs';
import type { Dice, World } from './world.ts';

/** What lies on a disk: Yjs updates in the order in which they were written, and values beside them by name. */
export interface DiskContents {
  readonly rows: readonly Uint8Array[];
  readonly values: ReadonlyMap<string, Uint8Array>;
}

export const createDisk = (world: World, name: string) => {
  const dice = world.dice(`disk ${name}`);
  const key = dice.bytes(32);
  let rows: Uint8Array[] = [];
  let values = new Map<string, Uint8Array>();
  let opened: Opened | undefined;
  let full = false;
  let trap: { readonly isBefore: boolean; readonly spring: () => void } | undefined;

  const storage: Storage = {
    async open() {
      if (opened) throw new SealwireError('STORAGE_IN_USE', 'Another process has this storage open.');
      const doc = new Y.Doc({ gc: true });
      doc.transact(() => {
        for (const row of rows) Y.applyUpdate(doc, row);
      });
      if (rows.length > 0) rows = [Y.encodeStateAsUpdate(doc)];
      opened = openOn(doc);
      return opened.storage;
    },
    async destroy() {
      rows = [];
      values.clear();
    },
  };

  /** One opening, until it is closed or its device crashes. */
  const openOn = (doc: Y.Doc): Opened => {
    const self: Opened = { pending: [], dead: false, lost: false, storage: undefined as never };
    let problem: SealwireError | undefined;
    let queue: Promise<unknown> = Promise.resolve();
    const lost = new Set<(error: Error) => void>();
    doc.on('update', (update: Uint8Array) => self.pending.push(update));

    const wait = (): Promise<void> =>
      self.dead ? Promise.resolve() : new Promise((resolve) => world.after(latencyOf(dice), resolve));
    const inTurn = (run: () => Promise<void>): Promise<void> => {
      const turn = queue.then(run);
      queue = turn.catch(() => undefined);
      return turn;
    };
    const write = (next: () => Uint8Array[]): void => {
      if (self.dead) return;
      if (full) {
        problem = new SealwireError('STORAGE_FULL', 'The disk of this device is full.');
        throw problem;
      }
      rows = next();
    };
    const flush = async (): Promise<void> => {
      if (problem) throw problem;
      const covered = self.pending.length;
      await wait();
      const sprung = self.dead ? undefined : trap;
      if (sprung) trap = undefined;
      if (sprung?.isBefore) sprung.spring();
      write(() => [...rows, ...self.pending.splice(0, covered)]);
      if (sprung?.isBefore === false) sprung.spring();
    };
    self.lose = () => {
      if (problem) return;
      rows = [];
      values.clear();
      self.lost = true;
      problem = new SealwireError('STORAGE_LOST', 'The storage of this device was removed.');
      for (const listener of lost) listener(problem);
    };
    self.storage = {
      doc,
      key,
      archive: {
        async put(name, value) {
          if (problem) throw problem;
          await wait();
          const sprung = self.dead ? undefined : trap;
          if (sprung) trap = undefined;
          if (sprung?.isBefore) sprung.spring();
          if (self.dead) return;
          if (full) throw new SealwireError('STORAGE_FULL', 'The disk of this device is full.');
          values.set(name, value);
          if (sprung?.isBefore === false) sprung.spring();
        },
        async get(name) {
          await wait();
          return values.get(name);
        },
        async remove(names) {
          if (!self.dead) for (const name of names) values.delete(name);
        },
        names: async () => [...values.keys()],
      },
      barrier: () => inTurn(flush),
      repair: () =>
        inTurn(async () => {
          problem = undefined;
          await wait();
          const covered = self.pending.length;
          const state = Y.encodeStateAsUpdate(doc);
          write(() => [state]);
          self.pending.splice(0, covered);
          self.lost = false;
        }),
      onLost: (listener) => void lost.add(listener),
      close: () =>
        inTurn(async () => {
          if (!problem) await flush().catch(() => undefined);
          doc.destroy();
          if (opened === self) opened = undefined;
        }),
      destroy: () =>
        inTurn(async () => {
          if (opened !== self) return;
          doc.destroy();
          rows = [];
          values.clear();
          opened = undefined;
        }),
    };
    return self;
  };

  return {
    name,
    storage,
    isOpen: () => opened !== undefined,
    isEmpty: () => rows.length === 0,
    /** The device stops at once: of what no barrier covered, a prefix may have reached the disk. */
    crash(): void {
      if (!opened) return;
      const kept = dice.chance(0.5) ? 0 : dice.between(0, opened.pending.length);
      rows.push(...opened.pending.splice(0, kept));
      opened.dead = true;
      opened = undefined;
    },
    /** Calls `spring` at the next write, just before its bytes are on the disk or before anybody is told that they are. */
    atNextWrite(spring: () => void): void {
      trap = { isBefore: dice.chance(0.5), spring };
    },
    /** Somebody deletes what is stored while the device runs. */
    lose: (): void => opened?.lose?.(),
    fill: (isFull: boolean): void => {
      full = isFull;
    },
    isFull: () => full,
    /** Nothing but the running device's repair can bring back what was stored. */
    isLost: () => opened?.lost === true,
    copy: (): DiskContents => ({ rows: [...rows], values: new Map(values) }),
    /** @throws TypeError while it is open. */
    restore(contents: DiskContents): void {
      if (opened) throw new TypeError('the disk is in use');
      rows = [...contents.rows];
      values = new Map(contents.values);
    },
    bytes: (): readonly Uint8Array[] => [...rows, ...values.values()],
  };
};

export type Disk = ReturnType<typeof createDisk>;

interface Opened {
  storage: OpenStorage;
  /** Written by the device, not covered by a barrier. */
  readonly pending: Uint8Array[];
  dead: boolean;
  lost: boolean;
  lose?: () => void;
}

/** Mostly fast; now and then a disk that is busy with something else. */
const latencyOf = (dice: Dice): number => (dice.chance(0.05) ? dice.between(50, 800) : dice.between(0, 8));
