// That bytes were forced to disk before they were called durable, seen from outside: a kill cannot show it, since what
// a process wrote outlives it in memory. Rules: spec/vault.md §4.
// needs: strace
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remoteVault, type VaultReply } from '@sealwire/testkit/vault-remote';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleChild } from './vault-processes.ts';

const test = suite('vault in files, traced');
const CALLS = 'openat,write,pwrite64,pread64,fsync,fdatasync,rename,close';

test('[VT12] [VT25] [VT26] key, log and folder are forced to disk in order, each row before it is reported', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sealwire-strace-'));
  const trace = join(root, 'trace');
  const child = await bundleChild();
  try {
    const traced = fork(child.path, [join(root, 'vault')], {
      execPath: process.env.SEALWIRE_STRACE ?? 'strace',
      execArgv: ['-f', '-y', '-s', '64', '-e', `trace=${CALLS}`, '-o', trace, process.execPath],
    });
    const ended = new Promise((resolve) => traced.once('exit', resolve));
    const vault = remoteVault(
      (call) =>
        new Promise((resolve) => {
          traced.once('message', ({ reply }: { reply: VaultReply }) => resolve(reply));
          traced.send({ id: 0, call });
        }),
    );
    await vault.open();
    assert.equal((await vault.commit({ put: [new Uint8Array(500)] })).settled, [{ step: 0 }]);
    await vault.close();
    traced.disconnect();
    await ended;
    check((await readFile(trace, 'utf8')).split('\n'));
  } finally {
    await child.remove();
    await rm(root, { recursive: true });
  }
});

const check = (lines: readonly string[]): void => {
  let at = 0;
  /** The next call that matches, from the one before it on. */
  const then = (what: string, pattern: RegExp): void => {
    const found = lines.findIndex((line, i) => i >= at && pattern.test(line));
    assert.ok(found >= 0, `after line ${at} there is no ${what}`);
    at = found;
  };
  then('write of the key', /write(64)?\(\d+<[^>]*vault\.key\.new>/);
  then('fsync of the key', /fsync\(\d+<[^>]*vault\.key\.new>/);
  then('rename of the key', /rename\(.*vault\.key"/);
  then('fsync of the folder', /fsync\(\d+<[^>]*\/vault>/);
  then('write of the header', /write(64)?\(\d+<[^>]*vault\.log\.new>.*sealwire-log/);
  then('fsync of the log', /fsync\(\d+<[^>]*vault\.log\.new>/);
  then('rename of the log', /rename\(.*vault\.log"/);
  then('fsync of the folder', /fsync\(\d+<[^>]*\/vault>/);
  then('write of the row', /write(64)?\(\d+<[^>]*vault\.log>, "SWvr/);
  then('fdatasync of the row', /fdatasync\(\d+<[^>]*vault\.log>/);
  then('end of the fdatasync', /fdatasync.*= 0/);
  then('reading back', /pread64\(\d+<[^>]*vault\.log>/);
  then('report', /write\(\d+<[^>]*>, ".*settled/);
};

test.run();
