// System calls show it: the acknowledgement leaves the relay only after the disk has confirmed the frame.
// A kill cannot show a missing sync, since the page cache survives it. Rules: spec/relay-protocol.md §7.
// needs: strace
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectClient, makePrincipal } from '@sealwire/testkit/relay-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSocket, startRelay, withFolder } from './support.ts';

const sync = suite('sync');
const CALLS = 'trace=openat,fdatasync,fsync,pwrite64,pwritev,write,writev,sendto,sendmsg';
/** The frame's bytes, and the acknowledgement of a request number that nothing else uses, as strace prints them. */
const FRAME = '\\xcd'.repeat(32);
const REQUEST = 123_456;
const ACKNOWLEDGEMENT = '\\x85\\xc0\\xc4\\x07\\x01';

interface Order {
  /** Lines of the trace; undefined where there is none. */
  readonly frameWritten: number | undefined;
  readonly synced: number | undefined;
  readonly metaWritten: number | undefined;
  readonly acknowledged: number | undefined;
}

/**
 * Where in a trace the steps of a commit end: the page with the frame, the next fdatasync of that file, the meta page
 * (through a descriptor that syncs each write), and the first acknowledgement.
 */
const orderIn = (trace: string): Order => {
  const lines = joinResumed(trace);
  const find = (from: number | undefined, fits: (line: string) => boolean): number | undefined => {
    if (from === undefined) return undefined;
    const index = lines.findIndex((line, i) => i > from && fits(line));
    return index < 0 ? undefined : index;
  };
  const isWrite = (line: string): boolean => /\b(p?write(64|v)?|sendto|sendmsg)\(/.test(line);
  const frameWritten = find(-1, (line) => isWrite(line) && line.includes(FRAME));
  const file = frameWritten === undefined ? '' : /\((\d+),/.exec(lines[frameWritten]!)?.[1];
  const synced = find(frameWritten, (line) => new RegExp(`fdatasync\\(${file}\\)\\s+= 0$`).test(line));
  const syncing = lines.map((line) => /O_DSYNC[^)]*\)\s+= (\d+)$/.exec(line)?.[1]).find(Boolean);
  const metaWritten = find(synced, (line) => line.includes(`pwrite64(${syncing},`));
  return {
    frameWritten,
    synced,
    metaWritten,
    acknowledged: find(-1, (line) => isWrite(line) && line.includes(ACKNOWLEDGEMENT)),
  };
};

/** Puts a call that others interrupted back together, at the line where it ended. */
const joinResumed = (trace: string): string[] => {
  const open = new Map<string, string>();
  return trace.split('\n').map((line) => {
    const thread = line.split(' ', 1)[0]!;
    if (line.endsWith('<unfinished ...>')) {
      open.set(thread, line.slice(0, -'<unfinished ...>'.length).trimEnd());
      return '';
    }
    const resumed = /<\.\.\. \w+ resumed>(.*)$/.exec(line);
    return resumed ? `${open.get(thread) ?? ''}${resumed[1]}` : line;
  });
};

const isDurableFirst = ({ frameWritten, synced, metaWritten, acknowledged }: Order): boolean =>
  frameWritten !== undefined &&
  synced !== undefined &&
  metaWritten !== undefined &&
  acknowledged !== undefined &&
  frameWritten < synced &&
  synced < metaWritten &&
  metaWritten < acknowledged;

const works = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const traced = works ? sync : sync.skip;

traced(
  `[RP69] fdatasync and the meta page complete before the acknowledgement is written${works ? '' : ' (no strace here)'}`,
  withFolder(async (folder) => {
    const traceFile = join(folder, 'trace');
    const strace = ['strace', '-f', '-xx', '-s', '9000', '-o', traceFile, '-e', CALLS];
    const relay = await startRelay(['--data', join(folder, 'data')], strace);
    const client = await connectClient(openSocket, relay.address);
    const principal = makePrincipal();
    await client.putPrincipal(principal, 1, [client.key]);
    const room = new Uint8Array(32).fill(0xab);
    const members = [{ principal: principal.id, admin: true }];
    await client.request({ type: 'put-room', room, version: 1, members });
    const frame = new Uint8Array(32).fill(0xcd);
    client.send({ type: 'append', request: REQUEST, room, stream: 'control', frame });
    await client.until(({ type }) => type === 'appended');
    // The child is strace; the relay's own number stands in its directory.
    process.kill(Number(await readFile(join(folder, 'data/relay.pid'), 'utf8')), 'SIGTERM');
    await relay.ended;
    const order = orderIn(await readFile(traceFile, 'latin1'));
    assert.ok(isDurableFirst(order), JSON.stringify(order));
  }),
);

sync('[RP69] a relay that acknowledged before the sync would be caught', () => {
  const open = '7 openat(AT_FDCWD, "x", O_WRONLY|O_DSYNC|O_CLOEXEC) = 25';
  const write = `8 writev(19, [{iov_base="${FRAME}", iov_len=32}], 1) = 32`;
  const data = [
    '8 fdatasync(19 <unfinished ...>',
    '7 write(3, "", 0) = 0',
    '8 <... fdatasync resumed>)          = 0',
  ];
  const meta = '8 pwrite64(25, "\\x00", 1, 16) = 1';
  const answer = `7 writev(27, [{iov_base="${ACKNOWLEDGEMENT}", iov_len=5}], 1) = 5`;
  const judge = (...lines: string[]): boolean => isDurableFirst(orderIn(lines.join('\n')));
  assert.ok(judge(open, write, ...data, meta, answer));
  assert.not.ok(judge(open, write, answer, ...data, meta));
  assert.not.ok(judge(open, write, data[0]!, answer, data[2]!, meta));
  assert.not.ok(judge(open, write, ...data, answer, meta));
  assert.not.ok(judge(open, write, answer));
  assert.not.ok(judge(open, ...data, meta, write, answer));
});

sync.run();
