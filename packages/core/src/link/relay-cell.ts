// Rendezvous cells over a device's engine. Rules: spec/link.md §1, spec/relay-protocol.md (rendezvous).
import { type RelayMessage, SealwireError, sameBytes } from '@sealwire/protocol';
import type { Engine } from '../sync/engine.ts';
import type { Rendezvous, Timers } from './rendezvous.ts';

/** The cells of the relay that the engine is connected to. */
export const relayRendezvous = (engine: Engine): Rendezvous => ({
  listen: (id, events) =>
    engine.onRendezvous((message) => {
      // Told later: never from within a call to the cell.
      queueMicrotask(() => {
        if (message.type === 'lost') events.closed('RELAY_UNREACHABLE');
        else if (!('id' in message) || !sameBytes(message.id, id)) return;
        else if (message.type === 'rendezvous-joined') events.joined();
        else if (message.type === 'rendezvous-message') events.message(message.payload);
        else if (message.type === 'rendezvous-closed') events.closed(message.code);
      });
    }),
  async open(id, payload) {
    const answer = await engine.request((request) => ({ type: 'rendezvous-open', request, id, payload }));
    if (answer.type !== 'rendezvous-opened') throw unexpected(answer);
    return { openMs: answer.openMs, totalMs: answer.totalMs };
  },
  async join(id) {
    const answer = await engine.request((request) => ({ type: 'rendezvous-join', request, id }));
    if (answer.type !== 'rendezvous-found') throw unexpected(answer);
    return answer.payload;
  },
  send: (id, payload) => engine.transmit({ type: 'rendezvous-send', id, payload }),
  close: (id) => engine.transmit({ type: 'rendezvous-close', id }),
});

/** The platform's timers. */
export const platformTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

const unexpected = (message: RelayMessage): SealwireError =>
  new SealwireError('UNEXPECTED_MESSAGE', `The relay answered a linking request with ${message.type}.`);
