// Our side: four devices play the script and every frame that they make is kept; a fresh device catches up from them.
import { chainKey, createClock, encodeEntry, type Vault } from '@sealwire/core/testing';
import { LIMITS, type StoredFrame } from '@sealwire/protocol';
import { ResultsDiffer } from '../lib/result.ts';
import { DEVICES, ROUND_TRIP_MS, type Step } from './conversation.ts';
import {
  type BenchAccount,
  type BenchDevice,
  createBenchAccount,
  memoryVault,
  openBenchDevice,
  PAGE,
} from './device.ts';

/** All frames of a chat in relay order, as the devices made them. */
export interface SealedLog {
  readonly account: BenchAccount;
  readonly frames: readonly StoredFrame[];
  /** Messages in each frame; 0 for what carries log entries. */
  readonly messages: readonly number[];
  /** Which device made each frame. Each uses one clientID a stream. */
  readonly writers: readonly number[];
}

/** What stands at the end of a catch-up: the messages as values, as a program that shows them gets them. */
export interface CaughtUp {
  readonly messages: readonly unknown[];
}

interface Writer extends BenchDevice {
  readonly clock: ReturnType<typeof createClock>;
  /** How many of the relay's frames it has been given. */
  received: number;
  /** Messages in its frames so far. */
  framed: number;
  readonly acknowledgements: { readonly at: number; readonly position: number }[];
  online: boolean;
}

/** Plays the script with the code that a real device runs; the fifth device of the account stays for catching up. */
export const playSealed = async (steps: readonly Step[]): Promise<SealedLog> => {
  const time = { now: 0 };
  const now = () => time.now;
  const account = await createBenchAccount(DEVICES + 1, now);
  const frames: StoredFrame[] = [];
  const messages: number[] = [];
  const authors: number[] = [];
  const writers: Writer[] = [];
  for (let index = 0; index < DEVICES; index++) writers.push(await openWriter(index));
  await writers[0]!.room.putControl(account.chat.log);
  for (const writer of writers) await goOnline(writer);

  for (const step of steps) {
    const writer = writers[step.device]!;
    if (step.type === 'leave') goOffline(writer, step.at);
    else if (step.type === 'return') {
      time.now = step.at;
      await goOnline(writer);
    } else await playBurst(writer, step.messages);
  }
  for (const writer of writers) await untilAcknowledged(writer);
  return { account, frames, messages, writers: authors };

  async function openWriter(index: number): Promise<Writer> {
    const send = (stream: string, frame: Uint8Array): void => {
      const { room, page } = writer;
      const position = frames.push({ position: frames.length + 1, stream, frame });
      const framed = room.state.chains.get(chainKey(PAGE, page.clientId))?.clock ?? 0;
      messages.push(framed - writer.framed);
      authors.push(index);
      writer.framed = framed;
      writer.acknowledgements.push({ at: time.now + ROUND_TRIP_MS, position });
    };
    const device = await openBenchDevice({ account, index, vault: memoryVault(), now, send });
    const writer: Writer = {
      ...device,
      clock: createClock(now),
      received: 0,
      framed: 0,
      acknowledgements: [],
      online: false,
    };
    return writer;
  }

  async function goOnline(writer: Writer): Promise<void> {
    writer.online = true;
    await catchUp(writer);
    await writer.room.goLive();
    await untilAcknowledged(writer);
  }

  function goOffline(writer: Writer, at: number): void {
    time.now = at;
    writer.online = false;
    writer.room.goDown();
  }

  /** A device that is online has everything before it writes, and what it wrote before the next burst begins. */
  async function playBurst(
    writer: Writer,
    burst: Extract<Step, { type: 'burst' }>['messages'],
  ): Promise<void> {
    if (writer.online) await catchUp(writer);
    for (const { at, text } of burst) {
      await acknowledge(writer, at);
      time.now = at;
      write(writer, encodeEntry({ k: 'm', t: writer.clock.next(), x: text }));
      await settled(writer);
    }
    if (writer.online) await untilAcknowledged(writer);
  }

  async function catchUp(writer: Writer): Promise<void> {
    const fresh = frames.slice(writer.received);
    writer.received = frames.length;
    if (fresh.length > 0) await writer.room.receive(fresh);
  }

  async function acknowledge(writer: Writer, until: number): Promise<void> {
    for (let next = writer.acknowledgements[0]; next && next.at <= until; next = writer.acknowledgements[0]) {
      writer.acknowledgements.shift();
      time.now = next.at;
      writer.received = Math.max(writer.received, next.position);
      await writer.room.appended(next.position, frames[next.position - 1]!.frame);
      await settled(writer);
    }
  }

  async function untilAcknowledged(writer: Writer): Promise<void> {
    await settled(writer);
    await acknowledge(writer, Number.POSITIVE_INFINITY);
  }
};

/**
 * Hands an edit to the room as the provider's socket does. A provider that stays attached would make Yjs encode all that
 * others wrote once more, which changes no frame and doubles the time that this takes.
 */
const write = ({ room, page }: BenchDevice, entry: Uint8Array): void => {
  const submit = (update: Uint8Array): void => room.submit(PAGE, update);
  page.doc.on('update', submit);
  page.append(entry);
  page.doc.off('update', submit);
};

/** When nothing more happens in a room without a new event: stored, then framed and sent. */
const settled = async ({ room }: BenchDevice): Promise<void> => {
  await room.stored();
  await room.idle();
};

/** The frames that hold the first `count` messages; a frame is never split, so there may be a few more. */
export const firstMessages = (log: SealedLog, count: number): SealedLog => {
  let held = 0;
  const end = log.messages.findIndex((messages) => {
    held += messages;
    return held >= count;
  });
  if (end < 0) throw new RangeError(`the log holds ${held} messages, not ${count}`);
  const cut = <T>(list: readonly T[]): T[] => list.slice(0, end + 1);
  return { ...log, frames: cut(log.frames), messages: cut(log.messages), writers: cut(log.writers) };
};

/** As the relay delivers a backlog: frames of about {@link LIMITS.readBytes} at a time. */
export const deliveries = (frames: readonly StoredFrame[]): StoredFrame[][] => {
  const chunks: StoredFrame[][] = [];
  let chunk: StoredFrame[] = [];
  let bytes = 0;
  for (const stored of frames) {
    if (chunk.length > 0 && bytes + stored.frame.length > LIMITS.readBytes) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(stored);
    bytes += stored.frame.length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
};

/** The device that catches up, new and empty. Opening it is not timed; {@link catchUpSealed} is. */
export const freshDevice = (account: BenchAccount, vault: Vault): Promise<BenchDevice> =>
  openBenchDevice({ account, index: DEVICES, vault, now: Date.now, send: () => undefined });

/** Frames in, messages out: everything in between is core's own. */
export const catchUpSealed = async (
  { room, page }: BenchDevice,
  chunks: readonly (readonly StoredFrame[])[],
): Promise<CaughtUp> => {
  const messages: unknown[] = [];
  const forget = page.onChange(({ added }) => {
    for (const { entry } of added) messages.push(entry);
  });
  for (const chunk of chunks) await room.receive(chunk);
  forget();
  const head = chunks.at(-1)?.at(-1)?.position ?? 0;
  if (room.cursor() !== head)
    throw new ResultsDiffer(`the device stands at ${room.cursor()}, the relay at ${head}`);
  return { messages };
};
