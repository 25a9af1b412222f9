// Node devices over a real relay process: what the tests here share.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CreateAccountOptions,
  createAccount,
  type Device,
  type LinkOptions,
  linkDevice,
  openDevice,
  type Readable,
  when,
} from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import type { DeviceInternals } from '@sealwire/core/testing';
import { type RelayProcess, startRelayProcess } from '@sealwire/testkit/relay-process';

export interface Bench {
  readonly folder: string;
  relay: RelayProcess;
  /** Closes what is open, stops the relay, removes the folder. */
  end(): Promise<void>;
  /** Starts the relay anew on its data, at the same address. */
  restart(): Promise<void>;
  /** @param internals - `name` is the person's, else Ada. */
  create(
    name: string,
    internals?: DeviceInternals & Partial<Pick<CreateAccountOptions, 'now' | 'name' | 'suite'>>,
  ): Promise<Device>;
  open(name: string, internals?: DeviceInternals & { readonly now?: () => number }): Promise<Device>;
  link(
    phone: Device,
    name: string,
    internals?: DeviceInternals & Pick<LinkOptions, 'suite' | 'now'>,
  ): Promise<Device>;
  /** Closes a device that the bench would close at the end. */
  close(device: Device): Promise<void>;
}

/** A test with a relay and a folder for devices of its own. */
export const onBench =
  (test: (bench: Bench) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const bench = await setUp();
    try {
      await test(bench);
    } finally {
      await bench.end();
    }
  };

/** A relay and a folder for devices. */
export const setUp = async (): Promise<Bench> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-device-'));
  const data = join(folder, 'relay');
  const open = new Set<Device>();
  const kept = <D extends Device>(device: D): D => {
    open.add(device);
    return device;
  };
  const bench: Bench = {
    folder,
    relay: await startRelayProcess({ data }),
    async end() {
      await Promise.all([...open].map((device) => device.close()));
      await bench.relay.stop();
      await rm(folder, { recursive: true, force: true });
    },
    async restart() {
      await bench.relay.kill();
      bench.relay = await startRelayProcess({ data, port: Number(new URL(bench.relay.address).port) });
    },
    create: async (name, internals) =>
      kept(
        await createAccount({
          storage: fileStorage(join(folder, name)),
          relay: bench.relay.address,
          name: 'Ada',
          deviceName: name,
          platform: 'phone',
          ...internals,
        }),
      ),
    open: async (name, internals) =>
      kept(
        await openDevice({
          storage: fileStorage(join(folder, name)),
          relay: bench.relay.address,
          ...internals,
        }),
      ),
    link: async (phone, name, internals) => {
      await until(phone.status, ({ connection }) => connection === 'online');
      const request = linkDevice({
        storage: fileStorage(join(folder, name)),
        relay: bench.relay.address,
        deviceName: name,
        platform: 'web',
        ...internals,
      });
      const shown = await until(request.state, ({ step }) => step === 'code' || step === 'failed');
      if (shown.step !== 'code') throw shown.step === 'failed' ? shown.error : new Error('no code');
      const session = phone.link(shown.code);
      const told = await until(session.state, ({ step }) => step === 'digits' || step === 'failed');
      if (told.step !== 'digits') throw told.step === 'failed' ? told.error : new Error('no digits');
      await until(request.state, ({ step }) => step === 'type-digits');
      request.submitDigits(told.digits);
      await until(session.state, ({ step }) => step === 'confirm');
      session.confirm(name);
      return kept(await request.device);
    },
    async close(device) {
      open.delete(device);
      await device.close();
    },
  };
  return bench;
};

/** Waiting longer than this means that it never comes; it is no assertion about speed. */
const PATIENCE_MS = 60_000;

/** The first value that satisfies `accept`. @throws Error (rejects) naming the last one seen. */
export const until = <T>(readable: Readable<T>, accept: (value: T) => boolean): Promise<T> =>
  when(readable, accept, AbortSignal.timeout(PATIENCE_MS)).catch((cause: unknown) => {
    const seen = JSON.stringify(readable.get())?.slice(0, 500);
    throw new Error(`waited in vain; last seen: ${seen}`, { cause });
  });

/** All that is pending is durable at the relay. */
export const settled = (device: Device): Promise<unknown> =>
  until(
    device.status,
    ({ connection, pending, loadingRooms }) => connection === 'online' && pending === 0 && loadingRooms === 0,
  );
