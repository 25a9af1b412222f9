// Run by itself: makes one chat on a device's disk, and the same as a plain Yjs document in a file.
// Arguments: folder, how many messages. Prints { chatId }.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAccount, when } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';
import { startRelayProcess } from '@sealwire/testkit/relay-process';
import * as Y from 'yjs';
import { messagesOf, SOURCE } from './chat.ts';

const PATIENCE_MS = 1_800_000;

const [folder = '', count = ''] = process.argv.slice(2);
const messages = messagesOf(Number(count));

const relay = await startRelayProcess({ data: join(folder, 'relay') });
const device = await createAccount({
  storage: fileStorage(join(folder, 'device')),
  relay: relay.address,
  name: 'Ada',
  deviceName: 'phone',
  platform: 'phone',
});
const chatId = await device.createChat('Chat');
const chat = await device.openChat(chatId);
await chat.import(messages, SOURCE);
const isQuiet = ({ connection, pending }: { connection: string; pending: number }): boolean =>
  connection === 'online' && pending === 0;
await when(device.status, isQuiet, AbortSignal.timeout(PATIENCE_MS));
chat.close();
await device.close();
await relay.stop();

const doc = new Y.Doc();
doc.clientID = randomBytes(4).readUInt32LE();
doc.getArray<string>('messages').push(messages.map((message) => JSON.stringify(message)));
await writeFile(join(folder, 'plain.bin'), Y.encodeStateAsUpdate(doc));
process.stdout.write(`${JSON.stringify({ chatId })}\n`);
