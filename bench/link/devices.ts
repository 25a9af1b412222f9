// Real devices in files over a real relay process, linked without waiting for people.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccount, type Device, type LinkOptions, linkDevice, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { startRelayProcess } from '@sealwire/testkit/relay-process';

const PATIENCE_MS = 60_000;

/**
 * Links a device without waiting for people.
 *
 * @param confirming - called when the digits were right, right before the phone's person agrees.
 * @throws Error (rejects) if either side fails.
 */
export const linkOnce = async (
  phone: Device,
  place: Pick<LinkOptions, 'storage' | 'relay' | 'suite'>,
  confirming: () => void = () => undefined,
): Promise<{ readonly device: Device }> => {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const request = linkDevice({ ...place, deviceName: 'web', platform: 'web' });
  const shown = await when(request.state, ({ step }) => step === 'code' || step === 'failed', patience);
  if (shown.step !== 'code') throw new Error(`no code: ${shown.step}`);
  const session = phone.link(shown.code);
  const told = await when(session.state, ({ step }) => step === 'digits' || step === 'failed', patience);
  if (told.step !== 'digits') throw new Error(`no digits: ${told.step}`);
  await when(request.state, ({ step }) => step === 'type-digits', patience);
  request.submitDigits(told.digits);
  await when(session.state, ({ step }) => step === 'confirm', patience);
  confirming();
  session.confirm('web');
  return { device: await request.device };
};

export const openDevices = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-bench-'));
  const relay = await startRelayProcess({ data: join(folder, 'relay') });
  let made = 0;
  let open: Device[] = [];
  const closeAll = async (): Promise<void> => {
    const devices = open;
    open = [];
    await Promise.all(devices.map((device) => device.close()));
  };
  return {
    /** A new account that is online. @returns what links one device to it, from no connection to an open device. */
    async prepare(suite: 1 | 2): Promise<() => Promise<void>> {
      await closeAll();
      const place = (name: string) => ({
        storage: fileStorage(join(folder, `${name}-${made}`)),
        relay: relay.address,
      });
      made += 1;
      const phone = await createAccount({
        ...place('phone'),
        name: 'Ada',
        deviceName: 'phone',
        platform: 'phone',
      });
      open.push(phone);
      const patience = AbortSignal.timeout(PATIENCE_MS);
      await when(
        phone.status,
        ({ connection, pending }) => connection === 'online' && pending === 0,
        patience,
      );
      return async () => {
        const { device } = await linkOnce(phone, { ...place('web'), suite });
        open.push(device);
      };
    },
    async end(): Promise<void> {
      await closeAll();
      await relay.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
