// The relay's disk is lost and a backup put in its place: devices find out, also who comes back when others have written
// long since, and together they put back all that the backup lacks. Rules: spec/relay-protocol.md §7 (RP187) and §10 (RP191).
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chat, Device, ErrorCode } from '@sealwire/core';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('restored relay');
const PROGRAM = fileURLToPath(new URL('../../apps/relay/src/main.ts', import.meta.url));

const run = (...args: string[]): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=sealwire:source', '--import', 'tsx', PROGRAM, ...args],
    { encoding: 'utf8' },
  );
  return { status, said: stdout + stderr };
};

const texts = (chat: Chat): string[] => chat.timeline.get().map(({ text }) => text);

/** Resolves when the device says that the relay went back. */
const rolledBack = (device: Device): Promise<void> =>
  new Promise((resolve) => device.onEvidence(({ code }) => code === 'RELAY_ROLLED_BACK' && resolve()));

test(
  '[RP187] [RP191] after a restore every device finds out, and what the backup lacks is there again',
  onBench(async (bench) => {
    const times = { retryFirstMs: 20, retryLongestMs: 100 };
    const phone = await bench.create('phone', { times });
    const web = await bench.link(phone, 'web', { times });
    const onPhone = await phone.openChat(await phone.createChat('kept'));
    await until(web.chats, ({ length }) => length === 1);
    const onWeb = await web.openChat(onPhone.id);
    const written: string[] = [];
    const write = async (chat: Chat, text: string): Promise<void> => {
      written.push(text);
      await chat.send(text);
    };
    const both = () => Promise.all([settled(phone), settled(web)]);
    await write(onPhone, 'phone, in the backup');
    await write(onWeb, 'web, in the backup');
    await both();
    const data = join(bench.folder, 'relay');
    const copy = join(bench.folder, 'backup');
    const backup = run('backup', copy, '--data', data);
    assert.is(backup.status, 0, backup.said);
    assert.match(backup.said, /^copied to .*: \d+ rooms, 1 principals, \d+ frames, \d+ bytes$/m);

    await write(onPhone, 'phone, not in the backup');
    await both();
    for (let i = 0; i < 3; i++) await write(onWeb, `web, not in the backup ${i}`);
    await both();
    await until(onPhone.timeline, ({ length }) => length === 6);
    web.setNetwork(false);
    await bench.relay.kill();
    await rm(data, { recursive: true });
    const restored = run('restore', copy, '--data', data);
    assert.is(restored.status, 0, restored.said);
    assert.is(run('check', '--data', data).status, 0);
    assert.is(run('restore', copy, '--data', data).status, 1, 'never over a store');

    const noticed = rolledBack(phone);
    bench.relay = await startRelayProcess({ data, port: Number(new URL(bench.relay.address).port) });
    await noticed;
    // The room's head passes all that the other device saw, long before it is back.
    for (let i = 0; i < 20; i++) await write(onPhone, `phone, after the restore ${i}`);
    await settled(phone);
    const late = rolledBack(web);
    web.setNetwork(true);
    await late;
    await both();
    await until(onWeb.timeline, ({ length }) => length === written.length);
    const codes: ErrorCode[] = [];
    const third = await bench.link(phone, 'third', { times });
    third.onEvidence(({ code }) => codes.push(code));
    await until(third.chats, ({ length }) => length === 1);
    const onThird = await third.openChat(onPhone.id);
    await until(onThird.timeline, ({ length }) => length === written.length);
    for (const chat of [onPhone, onWeb, onThird]) assert.equal([...texts(chat)].sort(), [...written].sort());
    assert.equal(texts(onWeb), texts(onPhone));
    assert.equal(texts(onThird), texts(onPhone));
    assert.equal(codes, []);
  }),
);

test.run();
