// Load on a real relay process: many connections in many rooms, and each receiver checks that nothing is lost, doubled or
// reordered. Rules: spec/relay-protocol.md §7 (RP61, RP63, RP70, RP71, RP72).
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  connectLightDevice,
  type LightDevice,
  makeDevices,
  putAccount,
} from '@sealwire/testkit/light-device';
import { startRelayProcess } from '@sealwire/testkit/relay-process';

export interface LoadOptions {
  readonly connections: number;
  readonly rooms: number;
  readonly seconds: number;
  /** Appends a second, in all rooms together. */
  readonly perSecond: number;
  /** Folder of the relay's store. */
  readonly data: string;
  readonly say: (line: string) => void;
  /** Flags of the relay. Default: one address may have all connections. */
  readonly args?: readonly string[];
  /** Where connection `index` comes from. Default: the system's choice. */
  readonly addressOf?: (index: number) => string;
  /** Ends the writing before `seconds` have passed. */
  readonly isDone?: () => boolean;
  /** Runs beside the writing. @param isOver - true once it should end. */
  readonly beside?: (address: string, isOver: () => boolean, running: Running) => Promise<void>;
}

/** The load while it runs. */
export interface Running {
  /** Where the relay tells its figures, if it was told to. */
  readonly figures: string | undefined;
  /** Frames that honest devices have sent. */
  appended(): number;
}

export interface LoadResult {
  readonly appended: number;
  readonly delivered: number;
  /** Milliseconds from sending to a receiver's having it. */
  readonly p50: number;
  readonly p99: number;
  /** Megabytes resident in the relay, every tenth of the time, or every five seconds where that is shorter. */
  readonly memory: readonly number[];
}

/** One address stands for a city here. */
const LIMITS = [
  'connectionsPerAddress=20000',
  'strangersPerAddress=20000',
  'connectsAtOnce=100000',
  'principalsAtOnce=100000',
].flatMap((limit) => ['--limit', limit]);

const FRAME_BYTES = 304;
const AT_ONCE = 32;
const DEADLINE_MS = 60_000;

/** Rooms of as many members as there are connections for each, the first of which writes. */
interface Group {
  readonly room: Uint8Array;
  readonly devices: readonly LightDevice[];
  /** When each frame was sent, by position less one. */
  readonly sentAt: number[];
  acknowledged: number;
  readonly heard: number[];
}

/** @throws Error naming the first frame that was lost, doubled or reordered. */
export const runLoad = async (options: LoadOptions): Promise<LoadResult> => {
  const { connections, rooms, seconds, perSecond, data, say } = options;
  const relay = await startRelayProcess({ data, args: options.args ?? LIMITS });
  const tally = new Tally();
  const groups: Group[] = [];
  try {
    const size = Math.floor(connections / rooms);
    const open = async (): Promise<void> => {
      while (groups.length < rooms) {
        const index = groups.push(undefined as unknown as Group) - 1;
        const from = options.addressOf?.(index);
        groups[index] = await openGroup(relay.address, size, tally, from);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, open));
    say(`${size * rooms} connections in ${rooms} rooms`);
    let over = false;
    const appended = (): number => groups.reduce((sum, { sentAt }) => sum + sentAt.length, 0);
    const { figures } = relay;
    let fault: unknown;
    const beside = options
      .beside?.(relay.address, () => over, { figures, appended })
      .catch((error) => {
        fault = error;
      });
    const isDone = (): boolean => fault !== undefined || (options.isDone?.() ?? false);
    const pid = relay.process.pid!;
    const memory = await writeEvenly(groups, { seconds, perSecond, tally, pid, say, isDone });
    over = true;
    await beside;
    if (fault !== undefined) throw fault;
    await settled(groups, tally);
    return { appended: appended(), delivered: tally.delivered, ...tally.quantiles(), memory };
  } finally {
    for (const group of groups) for (const { socket } of group?.devices ?? []) socket.destroy();
    await relay.stop();
  }
};

/** What all receivers have seen: a count, the first fault, and delays in steps of a tenth of a millisecond. */
class Tally {
  delivered = 0;
  fault: string | undefined;
  readonly #delays = new Uint32Array(600_000);

  took(ms: number): void {
    this.delivered++;
    const step = Math.min(this.#delays.length - 1, Math.floor(ms * 10));
    this.#delays[step] = this.#delays[step]! + 1;
  }

  check(): void {
    if (this.fault !== undefined) throw new Error(this.fault);
  }

  quantiles(): { p50: number; p99: number } {
    const at = (part: number): number => {
      let left = this.delivered * part;
      const step = this.#delays.findIndex((count) => {
        left -= count;
        return left <= 0;
      });
      return step / 10;
    };
    return { p50: at(0.5), p99: at(0.99) };
  }
}

const openGroup = async (address: string, size: number, tally: Tally, from?: string): Promise<Group> => {
  const accounts = makeDevices(size, 1);
  const room = new Uint8Array(randomBytes(32));
  const sentAt: number[] = [];
  const heard = accounts.map(() => 0);
  const group: Group = { room, devices: [], sentAt, acknowledged: 0, heard };
  const devices: LightDevice[] = [];
  for (const [who, { keys }] of accounts.entries()) {
    const device = await connectLightDevice({
      address,
      key: keys[0]!,
      ...(from && { localAddress: from }),
      onAppended(_request, position) {
        if (position !== ++group.acknowledged)
          tally.fault ??= `position ${position} acknowledged out of turn`;
      },
      onFrame(of, position, bytes, start, end) {
        const isNext = position === heard[who]! + 1 && bytes.readUInt32BE(start) === position;
        if (!isNext || end - start !== FRAME_BYTES || of.compare(room) !== 0)
          tally.fault ??= `a receiver at ${heard[who]} got position ${position} with ${bytes.readUInt32BE(start)} in it`;
        heard[who] = position;
        tally.took(performance.now() - sentAt[position - 1]!);
      },
    });
    void device.socket.closed.then((code) => {
      if (code !== undefined) tally.fault ??= `the relay closed a connection with ${code}`;
    });
    devices.push(device);
  }
  for (const [i, account] of accounts.entries()) await putAccount(devices[i]!, account);
  const members = accounts.map(({ principal }, i) => ({ principal: principal.id, admin: i === 0 }));
  await devices[0]!.request({ type: 'put-room', room, version: 1, members });
  for (const device of devices) await device.request({ type: 'resume', rooms: [{ room, cursor: 0 }] });
  return Object.assign(group, { devices });
};

interface Writing extends Pick<LoadOptions, 'seconds' | 'perSecond' | 'say'> {
  readonly tally: Tally;
  readonly pid: number;
  readonly isDone: () => boolean;
}

const writeEvenly = async (
  groups: readonly Group[],
  { seconds, perSecond, tally, pid, say, isDone }: Writing,
): Promise<number[]> => {
  const frame = randomBytes(FRAME_BYTES);
  const memory: number[] = [];
  const from = performance.now();
  let written = 0;
  const everyMs = Math.min(seconds * 100, 5_000);
  for (let ms = 0; ms < seconds * 1000 && !isDone(); ms = performance.now() - from) {
    for (const due = (ms * perSecond) / 1000; written < due; written++) {
      const { room, devices, sentAt } = groups[written % groups.length]!;
      const bytes = Buffer.from(frame);
      bytes.writeUInt32BE(sentAt.push(performance.now()));
      devices[0]!.append(room, [bytes]);
    }
    tally.check();
    if (ms >= memory.length * everyMs) {
      memory.push(ownMegabytes(pid));
      say(`${Math.round(ms / 1000)} s: ${tally.delivered} delivered, ${memory.at(-1)!.toFixed(0)} MB`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return memory;
};

/** Waits until every frame has been acknowledged and reached everybody else in its room. */
const settled = async (groups: readonly Group[], tally: Tally): Promise<void> => {
  const lacks = (): Group | undefined =>
    groups.find(
      ({ sentAt, acknowledged, heard }) =>
        acknowledged < sentAt.length || heard.some((position, who) => who > 0 && position < sentAt.length),
    );
  for (const from = performance.now(); lacks(); ) {
    tally.check();
    if (performance.now() - from > DEADLINE_MS) throw new Error('frames were sent and never arrived');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  tally.check();
};

/**
 * Linux only: memory that is the process's own. What LMDB has mapped of its file is the kernel's to keep or to drop, and grows with
 * what is stored.
 */
const ownMegabytes = (pid: number): number => {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1000;
};
