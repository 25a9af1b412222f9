// What the messages of the vectors of the wire are made of. Rules: spec/relay-protocol.md §3.
import type { Vector } from '../form.ts';
import { varuint } from '../frame/twin.ts';
import { type Bytes, hex, join, seedOf, utf8 } from '../link/twin.ts';

export const label = (text: string): Bytes => join(varuint(text.length), utf8(text));
export const list = (...items: readonly Bytes[]): Bytes => join(varuint(items.length), ...items);
export const counted = (bytes: Bytes): Bytes => join(varuint(bytes.length), bytes);
export const input = (...parts: readonly Bytes[]): Vector['input'] => ({ bytes: hex(join(...parts)) });
export const MOST = 2 ** 53 - 1;

export const room = seedOf('room');
export const id = seedOf('rendezvous', 16);
export const [low, high] = [seedOf('one key'), seedOf('another key')].sort(Buffer.compare) as [Bytes, Bytes];
export const manageKey = seedOf('manage key');
export const signature = join(seedOf('signature'), seedOf('its other half'));
export const principal = seedOf('principal');
export const frame = seedOf('frame', 40);
export const note = seedOf('farewell', 20);
export const token = seedOf('inbox token', 16);
export const payload = seedOf('payload', 24);
export const request = varuint(300);
