// What a peer of the catch-up is: how it makes the chat, and in which ways a fresh copy gets it.
import { readFileSync } from 'node:fs';
import type { Step } from '../conversation.ts';
import type { CaughtUp } from '../sealed.ts';

/** One script and, since several peers carry Yjs, its plain updates. */
export interface Chat {
  readonly steps: readonly Step[];
  /** One a message, in relay order. */
  readonly plain: readonly Uint8Array[];
}

/** One way to get the chat into a fresh document. */
export interface Way {
  readonly what: string;
  /** Updates as they were sent, which is a catch-up, or one saved state, which is a load. */
  readonly from: 'updates' | 'state';
  /** What travels, without the envelope of a transport. */
  readonly bytes: number;
  readonly catchUp: () => CaughtUp | Promise<CaughtUp>;
}

export interface MergePeer {
  /** As in the names of cases. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** @throws whatever keeps it from running here. */
  readonly make: (chat: Chat) => Promise<readonly Way[]>;
}

/** The version in the manifest of a package that this folder depends on; some do not export it. */
export const versionOf = (name: string): string => {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
};

export const bytesOf = (updates: readonly { readonly length: number }[]): number =>
  updates.reduce((sum, { length }) => sum + length, 0);

/** About as many bytes at a time as our relay delivers at once; see `deliveries` in sealed.ts. */
export const inDeliveries = <T extends { readonly length: number }>(
  updates: readonly T[],
  mostBytes: number,
): T[][] => {
  const chunks: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const update of updates) {
    if (bytes + update.length > mostBytes) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)!.push(update);
    bytes += update.length;
  }
  return chunks;
};
