// What the store contract works on: the store's shape, its surroundings, and what the tests of it share.
// Rules it serves: spec/relay-protocol.md §7.
import {
  type ErrorCode,
  type Farewell,
  type InboxMessage,
  type RoomMember,
  SealwireError,
  type StoredFrame,
} from '@sealwire/protocol';
import * as assert from 'uvu/assert';
import type { Random } from './random.ts';

type Awaitable<T> = T | Promise<T>;

/** The relay's `LogStore`, by shape. */
export interface ContractStore {
  readonly relayId: Uint8Array;
  principal(id: Uint8Array): Awaitable<ContractPrincipal | undefined>;
  principalOf(relayKey: Uint8Array): Awaitable<Uint8Array | undefined>;
  farewell(relayKey: Uint8Array): Awaitable<Uint8Array | undefined>;
  room(room: Uint8Array): Awaitable<ContractRoom | undefined>;
  head(room: Uint8Array): Awaitable<number>;
  read(request: { room: Uint8Array; stream: string; after: number; maxBytes: number }): Awaitable<{
    readonly frames: readonly StoredFrame[];
    readonly complete: boolean;
  }>;
  putPrincipal(edit: ContractPrincipal & { readonly farewells?: readonly Farewell[] }): Promise<void>;
  putRoom(record: ContractRoom, maker?: Uint8Array): Promise<void>;
  append(frame: {
    room: Uint8Array;
    stream: string;
    frame: Uint8Array;
    author?: Uint8Array | undefined;
    placed?: (position: number) => void;
  }): Promise<number>;
  usage(principal: Uint8Array): Awaitable<{ readonly rooms: number; readonly bytes: number }>;
  share(room: Uint8Array): Awaitable<{ readonly bytes: number; readonly streams: number }>;
  hasStream?(room: Uint8Array, stream: string): Awaitable<boolean>;
  deleteRoom(room: Uint8Array, version: number): Promise<void>;
  charge(charge: { room: Uint8Array; principal: Uint8Array; bytes: number }): Promise<void>;
  inbox(principal: Uint8Array): Awaitable<ContractInbox | undefined>;
  readInbox(
    principal: Uint8Array,
    after: number,
    maxBytes: number,
  ): Awaitable<{ readonly messages: readonly InboxMessage[]; readonly complete: boolean }>;
  putInbox(edit: { principal: Uint8Array; version: number; tokens: readonly Uint8Array[] }): Promise<void>;
  appendToInbox(message: { principal: Uint8Array; token: Uint8Array; payload: Uint8Array }): Promise<number>;
  removeFromInbox(principal: Uint8Array, numbers: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

export interface ContractInbox {
  readonly version: number;
  readonly tokens: readonly Uint8Array[];
}

export interface ContractPrincipal {
  readonly id: Uint8Array;
  readonly manageKey: Uint8Array;
  readonly version: number;
  readonly relayKeys: readonly Uint8Array[];
}

export interface ContractRoom {
  readonly room: Uint8Array;
  readonly version: number;
  readonly members: readonly RoomMember[];
}

/** One empty store under test, and what the suite does to its surroundings. */
export interface LogStoreHarness {
  readonly store: ContractStore;
  /** Opens the same store again after `close`. Absent where nothing outlives the process. */
  reopen?(): Promise<ContractStore>;
  /** From here on no write becomes durable, until the returned function is called. Absent where that cannot be done. */
  stall?(): () => void;
  /** From here on every commit fails, until the returned function is called. Absent where that cannot be done. */
  breakDisk?(): () => void;
  /** Frees what the harness holds, the last store of it included. */
  dispose(): Promise<void>;
}

export type Ability = 'reopen' | 'stall' | 'breakDisk' | 'countsStreams';

/** Registers one test of the contract. @param needs - what its harness must be able to do. */
export type Test = (
  title: string,
  run: (harness: LogStoreHarness, random: Random) => Promise<void>,
  needs?: Ability,
) => void;

/** As many random arrays as a test gives names to. */
export type Five = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** Buffers and Uint8Arrays alike as plain numbers. */
export const bytesOf = (bytes: Uint8Array): number[] => [...bytes];

/** @throws AssertionError (rejects) unless the promise is rejected with this code. */
export const refused = async (promise: Promise<unknown>, code: ErrorCode): Promise<void> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, SealwireError);
  assert.is((error as SealwireError).code, code);
};
