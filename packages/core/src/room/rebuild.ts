// Judges streams of a room anew from its vault: a cut or a fork changed what counts in them. Same as a restart, by the
// same code.
// Rules: spec/frame.md §8.
import { CONTROL_STREAM } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { decodeBody } from '../frame/body.ts';
import { type Chain, chainKey, compareToChain, streamOfKey } from './chains.ts';
import type { InboxOptions } from './inbox.ts';
import { replayFrames, showPages } from './replay.ts';
import type { LoadedRecord } from './room-vault.ts';
import type { RoomState } from './state.ts';

/**
 * @param report - told of each frame that counted and no longer does.
 * @param streams - which: no other stream holds a frame of a chain that counts less or more far than before.
 */
export const rebuildRoom = async (
  state: RoomState,
  inboxOptions: InboxOptions,
  report: (evidence: Omit<Evidence, 'room'>) => void,
  streams: ReadonlySet<string>,
): Promise<void> => {
  const records = state.options.vault.records();
  const before = new Map([...state.chains].filter(([, { address }]) => streams.has(address.stream)));
  for (const key of before.keys()) state.chains.delete(key);
  const isAsked = (key: string): boolean => streams.has(streamOfKey(key));
  state.shelf.clear(isAsked);
  state.deletions.clear(isAsked);
  // They wait in the inbox since the start.
  const unnamed = (): void => undefined;
  showPages(state, await replayFrames({ state, inboxOptions, records, streams, unnamed }), streams);
  reportTakenBack(state, records, before, report);
};

const reportTakenBack = (
  { chains, shelf }: RoomState,
  records: readonly LoadedRecord[],
  before: ReadonlyMap<string, Chain>,
  report: (evidence: Omit<Evidence, 'room'>) => void,
): void => {
  for (const { stream, body: encoded } of records.flatMap(bodiesOf)) {
    const body = decodeBody(encoded);
    if (stream === CONTROL_STREAM) continue; // Its entries prove themselves, and stand.
    const key = chainKey(stream, body.clientId);
    const chain = before.get(key);
    if (!chain || compareToChain(chain, body) !== 'duplicate') continue;
    const now = chains.get(key);
    if (now && compareToChain(now, body) === 'duplicate') continue;
    if (!shelf.tell(key, body)) continue;
    report({
      code: 'FRAME_VOID',
      message: TAKEN_BACK,
      stream,
      deviceId: chain.deviceHex,
      bytes: encoded.slice(),
    });
  }
};

const bodiesOf = ({
  record,
}: LoadedRecord): readonly { readonly stream: string; readonly body: Uint8Array }[] => {
  if (record.type === 'bodies') return record.bodies;
  return record.type === 'framed' || record.type === 'refused' ? [record] : [];
};

const TAKEN_BACK = 'A frame that was applied lies beyond what counts of its device, and was taken back.';
