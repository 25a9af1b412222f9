// timeout: 300s
// A Node device is killed (SIGKILL) in the middle of edits, over and over: all that its user saw as stored is there,
// and nothing was sent twice as different frames.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onBench, settled, until } from './support.ts';

const test = suite('device killed');
const KILLS = process.env.SEALWIRE_SLOW === '1' ? 50 : 4;
const PROGRAM = fileURLToPath(new URL('./kill-child.ts', import.meta.url));

/** Runs the child until it has said `lines` lines, then kills it. @returns what it said. */
const runAndKill = async (args: readonly string[], lines: number): Promise<string[]> => {
  const child = spawn(
    process.execPath,
    ['--conditions=sealwire:source', '--import', 'tsx', PROGRAM, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const said: string[] = [];
  // Lines that were in the pipe when it died were said as well.
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === lines) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.is(signal, 'SIGKILL', said.join('\n'));
  return said;
};

test(
  `killed ${KILLS} times: [FR16] nothing stored is lost, nothing is sent twice as another frame`,
  onBench(async (bench) => {
    const phone = await bench.create('phone');
    const watcher = await bench.link(phone, 'watcher');
    const evidence: string[] = [];
    watcher.onEvidence(({ code }) => evidence.push(code));
    const chatId = await phone.createChat('killed');
    await settled(phone);
    await bench.close(phone);
    await until(watcher.chats, (chats) => chats.length === 1);
    const stored = new Set<string>();
    const deleted = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const said = await runAndKill(
        [join(bench.folder, 'phone'), bench.relay.address, chatId, String(kill)],
        2 + ((kill * 13) % 40),
      );
      for (const [verb, text] of said.map((line) => line.split(' ') as [string, string])) {
        if (verb === 'stored') stored.add(text);
        // Until it is said to be deleted, it may be either.
        if (verb === 'deleting') stored.delete(text);
        if (verb === 'deleted') deleted.add(text);
      }
    }
    assert.ok(stored.size > KILLS, `only ${stored.size} messages were stored`);
    const again = await bench.open('phone');
    const chat = await again.openChat(chatId);
    const mine = new Set(chat.timeline.get().map(({ text }) => text));
    const lost = [...stored].filter((text) => !mine.has(text));
    assert.equal(lost, []);
    assert.equal(
      [...deleted].filter((text) => mine.has(text)),
      [],
    );
    await settled(again);
    const watched = await watcher.openChat(chatId);
    await until(watched.timeline, (messages) => messages.length === mine.size);
    assert.equal(
      watched.timeline.get().map(({ id, text }) => [id, text]),
      chat.timeline.get().map(({ id, text }) => [id, text]),
    );
    assert.equal(evidence, []);
  }),
);

test.run();
