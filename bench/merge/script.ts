// Plays a script with documents of any kind, as playPlain does with Yjs's: who is online gets everything before it writes,
// and what was written offline leaves at the return.
import { createClock, encodeEntry } from '@sealwire/core/testing';
import { DEVICES, type Step } from './conversation.ts';

/** One device of a peer. */
export interface ScriptWriter<T> {
  /** Takes in what others wrote since the last call, in relay order. */
  take(updates: readonly T[]): void;
  /** @returns what leaves for the message, if somebody is there to take it. */
  write(json: string): T | Promise<T>;
}

/** @returns all updates, one a message, in the order in which a server gets them. */
export const playScript = async <T>(
  steps: readonly Step[],
  open: (index: number) => ScriptWriter<T>,
): Promise<T[]> => {
  const time = { now: 0 };
  const relayed: T[] = [];
  const writers = Array.from({ length: DEVICES }, (_, index) => ({
    ...open(index),
    clock: createClock(() => time.now),
    online: true,
    received: 0,
    unsent: [] as T[],
  }));
  for (const step of steps) {
    const writer = writers[step.device]!;
    if (step.type !== 'burst') writer.online = step.type === 'return';
    if (!writer.online && step.type !== 'burst') continue;
    if (writer.online && writer.received < relayed.length) writer.take(relayed.slice(writer.received));
    if (step.type === 'burst')
      for (const { at, text } of step.messages) {
        time.now = at;
        const entry = encodeEntry({ k: 'm', t: writer.clock.next(), x: text });
        writer.unsent.push(await writer.write(Buffer.from(entry).toString('utf8')));
      }
    if (!writer.online) continue;
    relayed.push(...writer.unsent.splice(0));
    writer.received = relayed.length;
  }
  return relayed;
};

/** Messages that leave a device together: those of one burst, or all that it wrote while it was away. */
export interface Sending {
  readonly device: number;
  readonly messages: number;
  readonly away: boolean;
}

/** In relay order; a script's messages in the order of {@link playScript}. */
export const sendingsOf = (steps: readonly Step[]): Sending[] => {
  const sendings: Sending[] = [];
  const waiting = new Map<number, number>();
  for (const step of steps) {
    const { device } = step;
    const held = waiting.get(device);
    if (step.type === 'leave') waiting.set(device, 0);
    else if (step.type === 'return') {
      waiting.delete(device);
      if (held !== undefined && held > 0) sendings.push({ device, messages: held, away: true });
    } else if (held !== undefined) waiting.set(device, held + step.messages.length);
    else sendings.push({ device, messages: step.messages.length, away: false });
  }
  return sendings;
};
