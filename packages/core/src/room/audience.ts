// For whom this device writes: whoever joins cannot follow a chain whose beginning they may not read, so a new one begins
// for them. Rules: spec/chats.md §2.
import { CONTROL_STREAM, toHex } from '@sealwire/protocol';
import { isDocumentStream } from '../shareddoc/name.ts';
import { chainKey } from './chains.ts';
import { type RoomState, resetPage, writerOf } from './state.ts';

/**
 * Draws new clientIDs for pages on which this device has written while somebody who is a member now was none. To be called
 * whenever the room's log may have changed.
 */
export const renewWriters = (state: RoomState): void => {
  const { control, writers, options, chains } = state;
  const now = new Set(control.members.accounts().map(toHex));
  if (options.kind !== 'chat' || now.size === 0) return;
  for (const [stream, writer] of writers) {
    // Who joins reads a shared document from its beginning or not at all.
    if (stream === CONTROL_STREAM || isDocumentStream(stream)) continue;
    const { audience = now } = writer;
    // Nothing was said under it yet, not even a deletion, which moves no clock: who is there now will read it from its beginning.
    if (writer.clock === 0 && !chains.has(chainKey(stream, writer.clientId))) {
      writer.audience = now;
      continue;
    }
    const stayed = new Set([...audience].filter((account) => now.has(account)));
    if (stayed.size === now.size) {
      writer.audience = stayed;
      continue;
    }
    writers.delete(stream);
    const fresh = writerOf(state, stream);
    fresh.audience = now;
    resetPage(state, stream, fresh.clientId);
  }
};
