// What a vault in files leaves on disk, and what it makes of damage, torn rows and dead locks. Rules: spec/vault.md §4.
import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { utf8 } from '../src/bytes.ts';
import { randomBytes } from '../src/random.ts';
import { lockFolder } from '../src/vault/file-lock.ts';
import { fileStorage } from '../src/vault/file-storage.ts';
import { openVault, type Vault } from '../src/vault/vault.ts';

const test = suite<{ dir: string; log: string; key: string; lock: string }>('vault in files');

test.before.each(async (context) => {
  context.dir = join(await mkdtemp(join(tmpdir(), 'sealwire-files-')), 'vault');
  context.log = join(context.dir, 'vault.log');
  context.key = join(context.dir, 'vault.key');
  context.lock = join(context.dir, 'vault.lock');
});
test.after.each(({ dir }) => rm(join(dir, '..'), { recursive: true }));

const open = async (dir: string): Promise<Vault> => openVault(await fileStorage(dir).open(), { randomBytes });

const texts = (vault: Vault): string[] => vault.load().map(({ bytes }) => new TextDecoder().decode(bytes));

/** Opens, puts each text in a step and a barrier of its own, closes. */
const write = async (dir: string, ...names: readonly string[]): Promise<void> => {
  const vault = await open(dir);
  for (const name of names) await vault.commit({ put: [utf8(name)] }).durable;
  await vault.close();
};

const read = async (dir: string): Promise<string[]> => {
  const vault = await open(dir);
  const found = texts(vault);
  await vault.close();
  return found;
};

const failure = async (promise: Promise<unknown>): Promise<SealwireError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, SealwireError);
  return error as SealwireError;
};

const HEADER = 16;
const ROW_HEADER = 16;

/** Where each row of a log begins, and its end. */
const rowsOf = (log: Uint8Array): number[] => {
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const starts = [HEADER];
  while (starts.at(-1)! < log.length)
    starts.push(starts.at(-1)! + ROW_HEADER + view.getUint32(starts.at(-1)! + 4));
  return starts;
};

test('[VT20] [VT21] the folder holds a key and a log that only their owner may read', async ({
  dir,
  key,
}) => {
  await write(dir, 'hello');
  assert.equal((await readdir(dir)).sort(), ['vault.key', 'vault.log']);
  assert.is((await stat(key)).size, 32);
  const modes = await Promise.all(
    [dir, key, join(dir, 'vault.log')].map(async (path) => (await stat(path)).mode & 0o777),
  );
  assert.equal(modes, [0o700, 0o600, 0o600]);
});

test('[VT22] [VT23] the log, byte for byte', async ({ dir, log }) => {
  await write(dir, 'one', 'two');
  const bytes = await readFile(log);
  assert.equal(bytes.subarray(0, HEADER), Buffer.from('sealwire-log\0\0\0\x01', 'latin1'));
  const doc = new Y.Doc();
  const starts = rowsOf(bytes);
  assert.is(starts.length, 3);
  for (const [i, start] of starts.slice(0, -1).entries()) {
    assert.is(bytes.toString('latin1', start, start + 4), 'SWvr');
    const length = bytes.readUInt32BE(start + 4);
    const payload = bytes.subarray(start + ROW_HEADER, start + ROW_HEADER + length);
    const hash = createHash('sha256')
      .update(bytes.subarray(start + 4, start + 8))
      .update(payload)
      .digest();
    assert.equal(bytes.subarray(start + 8, start + 16), hash.subarray(0, 8));
    assert.is(payload.readUInt32BE(0), length - 4, 'one update');
    Y.applyUpdate(doc, payload.subarray(4));
    assert.is(doc.getArray('records').length, 2 + i, 'the marker, and a record a row');
  }
});

test('[VT24] a torn last row is cut off, wherever it is torn', async ({ dir, log }) => {
  await write(dir, 'one', 'two');
  const whole = await readFile(log);
  const last = rowsOf(whole).at(-2)!;
  for (let length = last; length < whole.length; length += 7) {
    await writeFile(log, whole.subarray(0, length));
    await write(dir, 'three');
    assert.equal(await read(dir), ['one', 'three']);
  }
  for (const tail of [
    new Uint8Array(5000),
    randomBytes(5000),
    utf8('SWvr'),
    whole.subarray(last, last + 20),
  ]) {
    await writeFile(log, whole);
    await appendFile(log, tail);
    await write(dir, 'three');
    assert.equal(await read(dir), ['one', 'two', 'three']);
  }
});

test('[VT24] damage before the last row is reported, and nothing is cut off', async ({ dir, log }) => {
  await write(dir, 'one', 'two');
  const whole = await readFile(log);
  const [, second] = rowsOf(whole);
  for (let at = 0; at < second!; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0xff;
    await writeFile(log, damaged);
    const { code, message } = await failure(open(dir));
    const inVersion = at >= 12 && at < HEADER;
    assert.is(code, inVersion ? 'STORAGE_NEWER' : 'STORAGE_CORRUPT', `byte ${at}`);
    if (!inVersion) assert.match(message, /backup/);
    assert.equal(await readFile(log), damaged, 'left as it was');
  }
  await writeFile(log, whole);
  assert.equal(await read(dir), ['one', 'two']);
});

test('[VT24] whole rows that are no document, or have a gap, are damage', async ({ dir, log }) => {
  await write(dir, 'one', 'two', 'three');
  const whole = await readFile(log);
  const [first, second, third] = rowsOf(whole);
  await writeFile(log, Buffer.concat([whole.subarray(0, second), whole.subarray(third)]));
  assert.match((await failure(open(dir))).message, /gap/);
  const payload = Buffer.from([0, 0, 0, 3, 9, 9, 9]);
  const length = Buffer.from([0, 0, 0, payload.length]);
  const hash = createHash('sha256').update(length).update(payload).digest().subarray(0, 8);
  await writeFile(log, Buffer.concat([whole.subarray(0, first), utf8('SWvr'), length, hash, payload]));
  assert.is((await failure(open(dir))).code, 'STORAGE_CORRUPT');
  await truncate(log, 10);
  assert.is((await failure(open(dir))).code, 'STORAGE_CORRUPT', 'a log without a header');
});

test('[VT21] a key that others may read, a short one, and none beside a log are refused', async ({
  dir,
  key,
}) => {
  await write(dir, 'one');
  await chmod(key, 0o640);
  const { code, message } = await failure(open(dir));
  assert.is(code, 'STORAGE_UNAVAILABLE');
  assert.match(message, /chmod 600/);
  assert.is((await stat(key)).mode & 0o777, 0o640, 'not mended behind its owner’s back');
  await chmod(key, 0o600);
  assert.equal(await read(dir), ['one']);
  await truncate(key, 31);
  assert.is((await failure(open(dir))).code, 'STORAGE_CORRUPT');
  await rm(key);
  assert.is((await failure(open(dir))).code, 'STORAGE_CORRUPT');
  assert.equal(await readdir(dir), ['vault.log'], 'no new key was made, no lock is left');
});

test('[VT6] [VT26] a long log is compacted when it is opened; removed records are gone from the file', async ({
  dir,
  log,
}) => {
  const storage = await fileStorage(dir).open();
  const vault = await openVault(storage, { randomBytes });
  const { ids } = vault.commit({ put: [utf8('goes'), utf8('stays')] });
  const sealed = Buffer.from(storage.doc.getArray<Uint8Array>('records').get(1));
  await vault.commit({ remove: [ids[0]!] }).durable;
  for (let i = 0; i < 500; i++) {
    const { ids } = vault.commit({ put: [utf8(`${i}`)] });
    await vault.commit({ remove: ids }).durable;
  }
  await vault.close();
  const before = await readFile(log);
  assert.is(rowsOf(before).length - 1, 501);
  assert.ok(before.includes(sealed), 'the log still has what was removed');
  await writeFile(join(dir, 'vault.log.new'), 'left by a crash');
  assert.equal(await read(dir), ['stays']);
  const after = await readFile(log);
  assert.is(rowsOf(after).length - 1, 1);
  assert.ok(after.length < 500, `${after.length} bytes`);
  assert.not.ok(after.includes(sealed));
  assert.equal((await readdir(dir)).sort(), ['vault.key', 'vault.log']);
  assert.equal(await read(dir), ['stays']);
});

test('[VT26] a short log with much removed is compacted too, and a leftover of one is removed', async ({
  dir,
  log,
}) => {
  const vault = await open(dir);
  const { ids } = vault.commit({ put: [new Uint8Array(100_000), utf8('stays')] });
  await vault.commit({ remove: [ids[0]!] }).durable;
  await vault.close();
  const left = join(dir, 'vault.log.new');
  await writeFile(left, 'left by a crash');
  assert.equal(await read(dir), ['stays']);
  assert.ok((await stat(log)).size < 500);
  await writeFile(left, 'left by a crash');
  assert.equal(await read(dir), ['stays']);
  assert.not.ok((await readdir(dir)).includes('vault.log.new'));
});

test('[VT26] what a large import leaves in the log is gone when it is closed, so that the next start need not read it', async ({
  dir,
  log,
}) => {
  const vault = await open(dir);
  const { ids } = vault.commit({ put: [new Uint8Array(2 * 1024 * 1024), utf8('stays')] });
  await vault.commit({ remove: [ids[0]!] }).durable;
  assert.ok((await stat(log)).size > 2 * 1024 * 1024);
  await vault.close();
  assert.ok((await stat(log)).size < 500);
  assert.equal(await read(dir), ['stays']);
});

test('[VT15] [VT25] a log that was replaced or written to by another is lost, until it is repaired', async ({
  dir,
  log,
}) => {
  for (const harm of [
    () => rename(log, `${log}.away`),
    () => writeFile(log, 'x'),
    () => appendFile(log, 'x'),
    () => rm(join(dir, 'vault.lock')),
  ]) {
    await fileStorage(dir).destroy();
    const vault = await open(dir);
    await vault.commit({ put: [utf8('before')] }).durable;
    await harm();
    assert.is((await failure(vault.commit({ put: [utf8('meanwhile')] }).durable)).code, 'STORAGE_LOST');
    await vault.repair();
    await vault.commit({ put: [utf8('after')] }).durable;
    await vault.close();
    assert.equal(await read(dir), ['before', 'meanwhile', 'after']);
  }
});

test('[VT18] [VT25] who lost the lock to another process writes no more and cannot repair', async ({
  dir,
  log,
  lock,
}) => {
  const vault = await open(dir);
  await vault.commit({ put: [utf8('before')] }).durable;
  await rm(lock);
  await symlink(`1-0-${'0'.repeat(16)}`, lock);
  const before = await readFile(log);
  assert.is((await failure(vault.commit({ put: [utf8('no')] }).durable)).code, 'STORAGE_IN_USE');
  assert.is((await failure(vault.repair())).code, 'STORAGE_IN_USE');
  await vault.close();
  assert.equal(await readFile(log), before);
  assert.is(await readlink(lock), `1-0-${'0'.repeat(16)}`, 'the other keeps its lock');
});

test('[VT27] a dead process’s lock is taken over, a live one’s is not', async ({ dir, lock }) => {
  await mkdir(dir);
  const dead = 2 ** 22 - 1;
  assert.throws(() => process.kill(dead, 0), /ESRCH/, 'no such process here');
  for (const stale of [`${dead}-0-${'a'.repeat(16)}`, `${process.pid}-1-${'b'.repeat(16)}`]) {
    await symlink(stale, lock);
    await symlink(`${dead}-0-${'c'.repeat(16)}`, `${lock}.${stale.slice(-16)}`);
    await (await lockFolder(dir)).release();
    assert.equal(await readdir(dir), [], 'a chain of dead ones, and nothing is left of it');
  }
  await symlink(`1-0-${'d'.repeat(16)}`, lock);
  assert.match((await failure(fileStorage(dir).open())).message, /Process 1 /);
  assert.is((await failure(fileStorage(dir).destroy())).code, 'STORAGE_IN_USE');
});

test('[VT27] of many who find one dead lock, one gets it', async ({ dir, lock }) => {
  await mkdir(dir);
  for (let round = 0; round < 40; round++) {
    await symlink(`${2 ** 22 - 1}-0-${round.toString(16).padStart(16, '0')}`, lock);
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(dir)));
    const held = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    const refused = tries.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason.code] : []));
    assert.is(held.length, 1);
    assert.equal(
      refused,
      Array.from({ length: 7 }, () => 'STORAGE_IN_USE'),
    );
    assert.is(await held[0]!.state(), 'held');
    await held[0]!.release();
    assert.equal(await readdir(dir), []);
  }
});

test('[VT20] a folder that cannot be one is unavailable', async ({ dir }) => {
  await writeFile(dir, 'a file');
  assert.is((await failure(open(dir))).code, 'STORAGE_UNAVAILABLE');
});

test('[VT28] destroying leaves what is not the vault’s', async ({ dir }) => {
  await write(dir, 'one');
  await writeFile(join(dir, 'notes.txt'), 'mine');
  await fileStorage(dir).destroy();
  assert.equal(await readdir(dir), ['notes.txt']);
});

test.run();
