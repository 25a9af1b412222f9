// A device that writes and deletes until it is killed; says each thing that its user saw as stored.
import { openDevice } from '@sealwire/core';
import { fileStorage } from '@sealwire/core/node';

const [folder, relay, chatId, run] = process.argv.slice(2) as [string, string, string, string];
const device = await openDevice({ storage: fileStorage(folder), relay });
const chat = await device.openChat(chatId);
process.stdout.write('ready\n');
for (let i = 0; ; i++) {
  const text = `${run}/${i}`;
  const id = await chat.send(text);
  process.stdout.write(`stored ${text}\n`);
  if (i % 7 !== 3) continue;
  process.stdout.write(`deleting ${text}\n`);
  await chat.delete(id);
  process.stdout.write(`deleted ${text}\n`);
}
